"""Many small files: 4 KiB and 64 KiB with 32 in flight, each durable before its answer; and 64 KiB read back."""

from collections.abc import Callable, Iterator
from functools import partial

from bench import limits, uploads
from bench.bed import Bed
from bench.figures import Aim, Result, Role
from bench.jobs import Fetch, Store
from bench.peer_set import PeerSet
from bench.plan import IN_FLIGHT, SMALL_SIZES, Plan
from bench.rates import per_s, to_be_read
from bench.rounds import Contestant, interleaved

NAME = "small-files"
UNIT = "files/s"
READ_BACK = "64 KiB"
AIMS = [
    Aim(
        "4 KiB through the ingester at least 4x the naive two-hop",
        "4 KiB up, ArtStore through the ingester",
        against="4 KiB up, naive two-hop",
        at_least=4,
    )
]


def run(bed: Bed, plan: Plan) -> Result:
    """Start the peers, put files there to be read, then measure."""
    small = SmallFiles(bed, plan, PeerSet.start(bed, SMALL_SIZES[READ_BACK], naive=True))
    return Result(NAME, interleaved(list(small.contestants()), plan.runs, bed.settle, bed.tell), AIMS)


class SmallFiles:
    """The contestants, and how each is measured."""

    def __init__(self, bed: Bed, plan: Plan, peers: PeerSet) -> None:
        self._bed = bed
        self._plan = plan
        self._peers = peers

    def contestants(self) -> Iterator[Contestant]:
        """Uploads of each size, then downloads."""
        for label, size_bytes in SMALL_SIZES.items():
            yield from self._limits(f"{label} up", size_bytes)
            yield from self._peers_up(f"{label} up", size_bytes)
            yield from self._artstore_up(f"{label} up", size_bytes)
        yield from self._downloads(f"{READ_BACK} down", SMALL_SIZES[READ_BACK])

    def _limits(self, what: str, size: int) -> Iterator[Contestant]:
        measured = {
            "fsynced files": limits.fsynced_files_per_s,
            "appends with fdatasync": limits.appends_per_s,
        }
        for name, limit in measured.items():
            measure = partial(limit, self._bed.directory / "limits", size, self._plan.seconds)
            yield Contestant(f"{what}, disk: {name}", Role.LIMIT, UNIT, measure)
        yield self._rate(f"{what}, bare ASGI", Role.LIMIT, partial(uploads.discarded, self._peers.bare_asgi, size))

    def _peers_up(self, what: str, size: int) -> Iterator[Contestant]:
        bed, peers = self._bed, self._peers
        yield self._rate(f"{what}, bare FastAPI route", Role.PEER, partial(uploads.discarded, peers.bare_fastapi, size))
        if peers.nginx:
            yield self._rate(f"{what}, nginx WebDAV", Role.PEER, partial(uploads.discarded, peers.nginx, size))
        element = partial(uploads.to_element, bed, size, peers.naive_element)
        yield self._rate(f"{what}, naive element", Role.PEER, element)
        two_hops = partial(uploads.to_ingester, bed, size, peers.naive_ingester)
        yield self._rate(f"{what}, naive two-hop", Role.PEER, two_hops)

    def _artstore_up(self, what: str, size: int) -> Iterator[Contestant]:
        limits_of_both = (f"{what}, disk: fsynced files", f"{what}, bare ASGI")
        yield self._rate(
            f"{what}, ArtStore straight to the element",
            Role.ARTSTORE,
            partial(uploads.to_element, self._bed, size),
            (*limits_of_both, f"{what}, naive element"),
        )
        yield self._rate(
            f"{what}, ArtStore through the ingester",
            Role.ARTSTORE,
            partial(uploads.to_ingester, self._bed, size),
            (*limits_of_both, f"{what}, naive two-hop"),
        )

    def _downloads(self, what: str, size: int) -> Iterator[Contestant]:
        peers, files = self._peers, to_be_read(self._bed, self._plan, size, ("query", uploads.ELEMENT))
        yield self._rate(f"{what}, bare ASGI", Role.LIMIT, partial(uploads.plain, peers.bare_asgi, "/content", size))
        others = {"bare FastAPI FileResponse": (peers.bare_fastapi, "/file")}
        if peers.nginx:
            others["nginx sendfile"] = (peers.nginx, "/content")
        for name, (port, path) in others.items():
            yield self._rate(f"{what}, {name}", Role.PEER, partial(uploads.plain, port, path, size))
        against = [f"{what}, {name}" for name in ("bare ASGI", *others)]
        for name, part in (("straight from the element", uploads.ELEMENT), ("through the query module", "query")):
            job = partial(uploads.from_part, self._bed, part, files, size)
            yield self._rate(f"{what}, ArtStore {name}", Role.ARTSTORE, job, against)

    def _rate(
        self, name: str, role: Role, job: Callable[[], Store | Fetch], against: tuple[str, ...] | list[str] = ()
    ) -> Contestant:
        """`job` is made anew for each round, with a token that is good still."""
        return Contestant(name, role, UNIT, lambda: per_s(job(), IN_FLIGHT, self._plan), against)
