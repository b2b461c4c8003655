"""The time from an upload's acknowledgement until a search finds it, with the fleet idle and while others upload."""

import asyncio
import json
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from urllib.parse import quote

import uvloop

from artstore_kit.contracts.files import ATTRIBUTES_HEADER
from bench import uploads
from bench.bed import Bed
from bench.bodies import Body
from bench.figures import percentiles
from bench.jobs import LoadFailed, Outcome, carry_out
from bench.plan import IN_FLIGHT
from bench.wire import Connection

SIZE_BYTES = 4096
POLL_S = 0.002
GIVEN_UP_S = 30.0
PAUSE_S = 0.02
LEAD_S = 0.5
LETTERS = "абвгдежзиклмнопрстуфхцчшэюя"


def while_idle(bed: Bed, probes: int) -> Mapping[str, float]:
    """One upload at a time, nothing else."""
    return percentiles(uvloop.run(_probe(bed, probes)))


def while_uploading(bed: Bed, probes: int, seconds: float) -> Mapping[str, float]:
    """The same while a load process uploads small files through the ingester as fast as they are taken."""
    how = {"in_flight": IN_FLIGHT, "seconds": seconds + LEAD_S}
    job = uploads.to_ingester(bed, SIZE_BYTES).model_copy(update=how)
    with ThreadPoolExecutor(1) as others:
        uploading = others.submit(carry_out, job)
        time.sleep(LEAD_S)
        times_ms = uvloop.run(_probe(bed, probes, uploading))
        uploading.result()
    return percentiles(times_ms)


async def _probe(bed: Bed, probes: int, uploading: Future[Outcome] | None = None) -> list[float]:
    """Milliseconds; with `uploading` it ends when that does, and has at least two."""
    ingester, query = await Connection.to(bed.port("ingester")), await Connection.to(bed.port("query"))
    times_ms: list[float] = []
    for number in range(probes):
        if uploading is not None and uploading.done() and number >= 2:
            break
        times_ms.append(await _one(bed, ingester, query))
        await asyncio.sleep(PAUSE_S)
    ingester.close()
    query.close()
    return times_ms


async def _one(bed: Bed, ingester: Connection, query: Connection) -> float:
    word = _fresh_word()
    body = Body.fresh(SIZE_BYTES)
    described = {ATTRIBUTES_HEADER: json.dumps({"name": f"{word}.txt"}), "Content-Length": str(SIZE_BYTES)}
    upload = _head("POST", uploads.API, {**bed.headers(), **described})
    answer = await ingester.ask(b"".join([upload, *body.pieces()]))
    acknowledged_at = time.perf_counter()
    if answer.status != 201:
        raise LoadFailed(f"a probe was answered {answer.status}: {answer.body[:300]!r}")
    search = _head("GET", f"/api/v1/search?q={quote(word)}", bed.headers())
    while b'"items":[]' in (found := await query.ask(search)).body or found.status != 200:
        if time.perf_counter() - acknowledged_at > GIVEN_UP_S:
            raise LoadFailed(f"not found after {GIVEN_UP_S:.0f} s; the last answer was {found.status}")
        await asyncio.sleep(POLL_S)
    return (time.perf_counter() - acknowledged_at) * 1000


def _fresh_word() -> str:
    """Of letters alone: a word with digits is cut at them, and its parts are no longer rare."""
    return "".join(LETTERS[digit % len(LETTERS)] for digit in Body.fresh(0).salt[:16])


def _head(method: str, path: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()
