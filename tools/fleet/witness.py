"""`./fleet witness`: keeps checkpoints of the audit log, and complains when the log is not what it was."""

import json
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import URLError

from tools.fleet.errors import FleetError
from tools.verify_audit import Checkpoint, Wrong, ask, consistent, hashes_of, opened, witnessed

KEPT, WRONG = 0, 1


class Witness:
    """Appends each new checkpoint to a file, once it has proved to go on from the one before."""

    def __init__(self, log: str, file: Path) -> None:
        self._log = log.rstrip("/")
        self._file = file

    def begin(self) -> None:
        """The first time it notes the log's key: from then on that one and no other is believed."""
        if not self._file.exists():
            self._file.parent.mkdir(parents=True, exist_ok=True)
            key = self._get("/.well-known/artstore-audit").decode().strip()
            self._append({"key": key, "log": self._log, "seen_at": _now()})
            print(f"this log is known by its key from now on: {key}")

    def look(self) -> Checkpoint:
        """Keep the newest checkpoint; `Wrong` when it does not go on from what was kept."""
        key, kept = witnessed(self._file)
        note = self._get("/api/v1/audit/checkpoint").decode()
        seen = opened(note, key)
        if kept:
            self._compare(kept[-1], seen)
        if not kept or seen.size > kept[-1].size:
            self._append({"seen_at": _now(), "note": note})
        return seen

    def _compare(self, last: Checkpoint, seen: Checkpoint) -> None:
        if seen.size < last.size:
            raise Wrong(f"rolled back: the log signs {seen.size} entries; at {last.seen_at} it had signed {last.size}")
        proof = []
        if seen.size > last.size:
            query = f"first={last.size}&second={seen.size}"
            proof = hashes_of(self._get(f"/api/v1/audit/proofs/consistency?{query}"))
        if not consistent(last, seen, proof):
            raise Wrong(
                f"forked: {seen.size} entries are signed that do not begin with the {last.size} of {last.seen_at}"
            )

    def _get(self, path: str) -> bytes:
        return b"".join(ask(self._log + path))

    def _append(self, line: Mapping[str, str]) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())


def witness(log: str, file: Path, every_s: float, *, once: bool) -> int:
    """Looks again and again. The exit code is 1, loudly, as soon as the log is not what it was."""
    keeper = Witness(log, file)
    while True:
        try:
            keeper.begin()
            seen = keeper.look()
            print(f"{_now()} {seen.size} entries, signed and consistent", flush=True)
        except Wrong as error:
            print(f"\n*** THE AUDIT LOG OF {log} IS NOT WHAT IT WAS ***\n{error}\nKeep {file}: it is the evidence.")
            return WRONG
        except ValueError as error:
            raise FleetError(f"{file} or what {log} answered cannot be read: {error}") from error
        except (URLError, TimeoutError, ConnectionError) as error:
            if once:
                raise FleetError(f"{log} cannot be asked: {error}") from error
            print(f"{_now()} {log} cannot be asked: {error}", flush=True)
        if once:
            return KEPT
        time.sleep(every_s)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
