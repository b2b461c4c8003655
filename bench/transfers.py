"""Large files on one path: sent, compared, brought back."""

from collections.abc import Callable

from bench import uploads
from bench.bed import Bed
from bench.jobs import Fetch, Store, StoredFile, carry_out


def mb_per_s(job: Store | Fetch, count: int, size_bytes: int) -> tuple[float, list[StoredFile]]:
    """All at once; their bytes together over the time until the last is through."""
    outcome = carry_out(job.model_copy(update={"in_flight": count, "count": count}))
    return count * size_bytes / 1e6 / outcome.seconds, outcome.files


class Transfers:
    """`upload` makes the job anew each time, with a token that is good still; `part` is what brings the files."""

    def __init__(self, bed: Bed, size_bytes: int, upload: Callable[[Bed, int], Store], part: str) -> None:
        self._bed = bed
        self._size = size_bytes
        self._upload = upload
        self._part = part
        self._files: list[StoredFile] = []
        self._read = False

    def store(self, count: int) -> float:
        """MB/s of so many uploads at once."""
        speed, self._files = mb_per_s(self._upload(self._bed, self._size), count, self._size)
        self._read = False
        return speed

    def bring(self, count: int) -> float:
        """MB/s of so many downloads at once, of what was stored last."""
        if not self._read:
            self._compare()
        return mb_per_s(uploads.from_part(self._bed, self._part, self._files, self._size), count, self._size)[0]

    def _compare(self) -> None:
        """Read what was uploaded once, untimed: is it the same? Then it is in the page cache, as the peers' file is."""
        job = uploads.from_part(self._bed, self._part, self._files, self._size, hashed=True)
        carry_out(job.model_copy(update={"count": len(self._files)}))
        self._read = True
