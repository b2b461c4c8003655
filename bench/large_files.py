"""Large files through the whole path: one and four at a time, up through the ingester and down through query."""

from collections.abc import Iterator, Sequence
from functools import partial

from bench import limits, room, uploads
from bench.bed import Bed
from bench.figures import Aim, Result, Role
from bench.peer_set import PeerSet
from bench.plan import Plan
from bench.rounds import Contestant, interleaved
from bench.transfers import Transfers, mb_per_s

NAME = "large-files"
UNIT = "MB/s"
SEVERAL = 4
WRITTEN_A_ROUND = 1 + SEVERAL + 1 + 1
"""Files: ArtStore's one and four, the plain write, nginx's."""
SHA256 = "sha256 of one core"
WRITE = "disk: a file written and synced"


def run(bed: Bed, plan: Plan) -> Result:
    """Start the peers, then measure; the sha256 of every upload and of what comes back is compared."""
    room.must_have(bed.directory, NAME, plan, plan.large_bytes * (WRITTEN_A_ROUND * plan.runs + 1))
    large = LargeFiles(bed, plan, PeerSet.start(bed, plan.large_bytes))
    return Result(NAME, interleaved(list(large.contestants()), plan.runs, bed.settle, bed.tell), _aims(plan))


def _aims(plan: Plan) -> Sequence[Aim]:
    up, down = f"{plan.large} up", f"{plan.large} down"
    return [
        Aim(f"{up} at 0.4 of sha256's speed", f"{up}, ArtStore", against=f"{up}, {SHA256}", at_least=0.4),
        Aim(f"{down} at 0.3 of the bare ASGI app", f"{down}, ArtStore", against=f"{down}, bare ASGI", at_least=0.3),
    ]


class LargeFiles:
    """The contestants, and how each is measured."""

    def __init__(self, bed: Bed, plan: Plan, peers: PeerSet) -> None:
        self._bed = bed
        self._plan = plan
        self._peers = peers
        self._size = plan.large_bytes
        self._transfers = Transfers(bed, plan.large_bytes, uploads.to_ingester, "query")

    def contestants(self) -> Iterator[Contestant]:
        """In this order: what is downloaded in a round was uploaded in it."""
        yield from self._up(f"{self._plan.large} up")
        yield from self._down(f"{self._plan.large} down")

    def _up(self, what: str) -> Iterator[Contestant]:
        peers, against = self._peers, [f"{what}, {name}" for name in (SHA256, WRITE, "bare ASGI")]
        sha256 = partial(limits.sha256_mb_per_s, self._size)
        yield Contestant(f"{what}, {SHA256}", Role.LIMIT, UNIT, sha256)
        write = partial(limits.write_mb_per_s, self._bed.directory / "limits", self._size)
        yield Contestant(f"{what}, {WRITE}", Role.LIMIT, UNIT, write)
        yield Contestant(f"{what}, bare ASGI", Role.LIMIT, UNIT, partial(self._discard, peers.bare_asgi))
        yield Contestant(f"{what}, bare FastAPI route", Role.PEER, UNIT, partial(self._discard, peers.bare_fastapi))
        if peers.nginx:
            yield Contestant(f"{what}, nginx WebDAV", Role.PEER, UNIT, partial(self._discard, peers.nginx))
            against.append(f"{what}, nginx WebDAV")
        yield Contestant(f"{what}, ArtStore", Role.ARTSTORE, UNIT, partial(self._transfers.store, 1), against)
        name = f"{what}, ArtStore, {SEVERAL} at a time"
        yield Contestant(name, Role.ARTSTORE, UNIT, partial(self._transfers.store, SEVERAL), against)

    def _down(self, what: str) -> Iterator[Contestant]:
        peers, against = self._peers, [f"{what}, bare ASGI"]
        yield self._plain(f"{what}, bare ASGI", Role.LIMIT, peers.bare_asgi, "/content")
        yield self._plain(f"{what}, bare FastAPI FileResponse", Role.PEER, peers.bare_fastapi, "/file")
        if peers.nginx:
            yield self._plain(f"{what}, nginx sendfile", Role.PEER, peers.nginx, "/content")
            against.append(f"{what}, nginx sendfile")
        yield Contestant(f"{what}, ArtStore", Role.ARTSTORE, UNIT, partial(self._transfers.bring, 1), against)
        name = f"{what}, ArtStore, {SEVERAL} at a time"
        yield Contestant(name, Role.ARTSTORE, UNIT, partial(self._transfers.bring, SEVERAL), against)

    def _plain(self, name: str, role: Role, port: int, path: str) -> Contestant:
        job = uploads.plain(port, path, self._size)
        return Contestant(name, role, UNIT, lambda: mb_per_s(job, 1, self._size)[0])

    def _discard(self, port: int) -> float:
        return mb_per_s(uploads.discarded(port, self._size), 1, self._size)[0]
