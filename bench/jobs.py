"""What the load process is told to do, and what it tells of it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import repeat
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter

from artstore_kit.contracts.batches import MOST_FILES
from tools.fleet.layout import ROOT
from tools.fleet.services import ALLOCATOR

FILE_ID = "{file_id}"
"""In the path and headers of a `Store`: replaced by a new id for each file."""
LONGEST_S = 900


class LoadFailed(Exception):
    """The load could not be carried out: its figures would mean nothing."""


class Job(BaseModel):
    """Requests to one port, `in_flight` at a time, until `count` are done or `seconds` are over."""

    port: int
    headers: dict[str, str] = {}
    in_flight: int = Field(1, ge=1, le=256)
    count: int | None = None
    seconds: float | None = None
    warm_up: int = 0


class Store(Job):
    """Uploads, each of other content; with `checked` the answers must name the content's sha256."""

    kind: Literal["store"] = "store"
    method: str
    path: str
    size_bytes: int
    checked: bool = False


class Fetch(Job):
    """Reads of `paths` in turn; with `sha256` (one for each path) every body is hashed and compared."""

    kind: Literal["fetch"] = "fetch"
    paths: list[str]
    size_bytes: int | None = None
    sha256: list[str] | None = None
    never: str | None = Field(None, description="an answer that holds this is a failure")

    def wanted(self) -> Iterator[tuple[str, str | None]]:
        """Each path, with the sha256 of what it must bring."""
        return zip(self.paths, self.sha256 or repeat(None), strict=False)


class StoreMany(Job):
    """Uploads of `files` a request, as the ingester sends them. Their ids tell of moments from `first_ms` on."""

    kind: Literal["store-many"] = "store-many"
    path: str
    size_bytes: int
    files: int = MOST_FILES
    first_ms: int
    apart_ms: int


class Post(Job):
    """The same form again and again."""

    kind: Literal["post"] = "post"
    path: str
    form: str


type AnyOf = Store | Fetch | StoreMany | Post


class StoredFile(BaseModel):
    """A file that was uploaded."""

    file_id: str
    sha256: str


class Outcome(BaseModel):
    """`seconds` from the first request that counts to the last answer; `files` are some of those uploaded."""

    done: int
    seconds: float
    times_ms: list[float]
    files: list[StoredFile] = []

    @property
    def per_s(self) -> float:
        """Requests a second."""
        return self.done / self.seconds


AnyJob: TypeAdapter[AnyOf] = TypeAdapter(Annotated[AnyOf, Field(discriminator="kind")])


def carry_out(job: AnyOf) -> Outcome:
    """Carry a job out in a process of its own, so that nothing of ours shares its time and memory."""
    ran = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=job.model_dump_json().encode(),
        capture_output=True,
        env={**os.environ, **ALLOCATOR, "PYTHONPATH": str(ROOT)},
        timeout=LONGEST_S,
        check=False,
    )
    if ran.returncode:
        raise LoadFailed(f"{job.kind} on port {job.port}: {ran.stderr.decode(errors='replace')[-1500:].strip()}")
    return Outcome.model_validate_json(ran.stdout)
