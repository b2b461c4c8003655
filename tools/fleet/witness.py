"""`./fleet witness`: keeps checkpoints of the audit log, and complains when the log is not what it was."""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError

from tools.fleet.consistency import NoKey, consistent, hashes_of, key_in
from tools.fleet.errors import FleetError
from tools.verify_audit import Checkpoint, Wrong, ask, opened, witnessed

KEPT, WRONG, NOT_ASKED = 0, 1, 2
ANSWER_WITHIN_S = 60.0
"""For each whole answer: who drips it byte by byte must not keep the witness silent."""
TRIES = 3
"""A log that restarts between its checkpoint and the proof is forgiven; one that fails so often is not."""
UNREACHABLE = (URLError, TimeoutError, ConnectionError, HTTPException)


class Unproven(Exception):
    """The log has signed this, and does not show that it goes on from what was kept."""


class Shown(NamedTuple):
    """A checkpoint as the log showed it first."""

    note: str
    seen_at: datetime


class Witness:
    """Appends each new checkpoint to a file, once it has proved to go on from the one before."""

    def __init__(self, log: str, file: Path) -> None:
        self.log = log.rstrip("/")
        self.file = file
        self.evidence = file.with_name(f"{file.name}.evidence")
        self.tries = 0
        self._judged = Shown("", _now())
        self._unproven: Shown | None = None

    def begin(self) -> None:
        """The first time it notes the log's key: from then on that one and no other is believed."""
        if self.file.exists():
            _pass_over_what_was_torn(self.file)
            return
        key = key_in(_asked(f"{self.log}/.well-known/artstore-audit"))
        self.file.parent.mkdir(parents=True, exist_ok=True)
        begun = self.file.with_name(f"{self.file.name}.begun")
        begun.unlink(missing_ok=True)
        _append(begun, {"key": key, "log": self.log, "seen_at": _text(_now())})
        begun.rename(self.file)
        _sync_directory(self.file.parent)
        print(f"this log is known by its key from now on: {key}")

    def look(self) -> Checkpoint:
        """Keep the newest checkpoint, after the one that still waits for its proof; what is kept last now.

        `Wrong` when the log does not go on from what was kept, `Unproven` when it does not show that it does.
        """
        shown = Shown(_asked(f"{self.log}/api/v1/audit/checkpoint").decode(errors="replace"), _now())
        if self._unproven:
            self._go_on_to(self._unproven)
        return self._go_on_to(shown)

    def accuse(self, error: Exception) -> None:
        """Keep what the log has signed, or not signed, apart from what is believed."""
        note, seen_at = self._judged
        _append(self.evidence, {"seen_at": _text(seen_at), "log": self.log, "wrong": str(error), "note": note})

    def _go_on_to(self, shown: Shown) -> Checkpoint:
        self._judged = shown
        key, kept = witnessed(self.file)
        seen = opened(shown.note, key, shown.seen_at)
        if kept:
            self._compare(kept[-1], seen)
        self._unproven, self.tries = None, 0
        if kept and seen.size == kept[-1].size:
            return kept[-1]
        _append(self.file, {"seen_at": _text(shown.seen_at), "note": shown.note})
        return seen

    def _compare(self, last: Checkpoint, seen: Checkpoint) -> None:
        if seen.size < last.size:
            raise Wrong(f"rolled back: the log signs {seen.size} entries; at {last.seen_at} it had signed {last.size}")
        if not consistent(last, seen, self._proof(last, seen) if seen.size > last.size else []):
            raise Wrong(
                f"forked: {seen.size} entries are signed that do not begin with the {last.size} of {last.seen_at}"
            )

    def _proof(self, last: Checkpoint, seen: Checkpoint) -> list[bytes]:
        """Whoever signs a checkpoint can prove it: no proof is another matter than no answer at all."""
        try:
            query = f"first={last.size}&second={seen.size}"
            return hashes_of(_asked(f"{self.log}/api/v1/audit/proofs/consistency?{query}"))
        except (*UNREACHABLE, ValueError) as error:
            self._unproven, self.tries = self._judged, self.tries + 1
            raise Unproven(
                f"not proven: {seen.size} entries are signed, and that they begin with the {last.size} of "
                f"{last.seen_at} is not shown: {error}"
            ) from error


def witness(log: str, file: Path, every_s: float, *, once: bool) -> int:
    """Looks again and again. The exit code is 1, loudly, as soon as the log is not what it was, or does not prove it.

    It is 2 when the file cannot be read or written, and with `once` when the log cannot be asked.
    """
    keeper = Witness(log, file)
    try:
        while (code := _watch(keeper, 1 if once else TRIES)) != WRONG and not once:
            time.sleep(every_s)
    except BrokenPipeError:
        raise
    except (FleetError, OSError) as error:
        print(f"witness: {error}", file=sys.stderr)
        return NOT_ASKED
    return code


def _watch(keeper: Witness, tries: int) -> int:
    began = _now()
    try:
        keeper.begin()
        said = _grown_or_still(keeper.look(), began)
    except Wrong as error:
        return _loudly(keeper, error)
    except Unproven as error:
        if keeper.tries >= tries:
            return _loudly(keeper, error)
        said = f"{error}; asked for {keeper.tries} of {tries} times"
    except (*UNREACHABLE, NoKey) as error:
        print(f"{_text(began)} {keeper.log} cannot be asked: {error}", flush=True)
        return NOT_ASKED
    except (ValueError, LookupError, TypeError) as error:
        raise FleetError(f"{keeper.file} or what {keeper.log} answered cannot be read: {error!r}") from error
    print(f"{_text(began)} {said}", flush=True)
    return KEPT


def _grown_or_still(kept: Checkpoint, began: datetime) -> str:
    if kept.seen_at >= began:
        return f"{kept.size} entries, signed and consistent"
    idle = timedelta(seconds=round((began - kept.seen_at).total_seconds()))
    return f"{kept.size} entries still, for {idle}: a log in use grows"


def _loudly(keeper: Witness, error: Exception) -> int:
    print(f"\n*** THE AUDIT LOG OF {keeper.log} IS NOT WHAT IT WAS, OR DOES NOT PROVE IT ***\n{error}")
    print(f"Keep {keeper.file} and {keeper.evidence}: they are the evidence.", flush=True)
    keeper.accuse(error)
    return WRONG


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Raises `TimeoutError` in what takes longer, whatever it waits for."""

    def late(*_: object) -> None:
        raise TimeoutError(f"no whole answer within {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _asked(url: str) -> bytes:
    with _within(ANSWER_WITHIN_S):
        return ask(url)


def _pass_over_what_was_torn(file: Path) -> None:
    """A crash may leave the beginning of the last line: that checkpoint was not kept, and the next begins a new one."""
    with file.open("r+b") as opened:
        content = opened.read()
        whole = content.rfind(b"\n") + 1
        if whole and whole < len(content):
            print(f"{file}: passed over its last line, which a crash has torn: {content[whole:]!r}")
            opened.truncate(whole)
            os.fsync(opened.fileno())


def _append(file: Path, line: Mapping[str, str]) -> None:
    with file.open("a", encoding="utf-8") as appended:
        appended.write(json.dumps(line, ensure_ascii=False) + "\n")
        appended.flush()
        os.fsync(appended.fileno())


def _sync_directory(directory: Path) -> None:
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _now() -> datetime:
    return datetime.now(UTC)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
