"""One storage element: durable creates of every size and with more and more in flight, streams, downloads, memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from bench import curve, endurance, journal_loop, limits, rebuild, room, uploads
from bench.bed import Bed
from bench.figures import Aim, Result, Role
from bench.jobs import Fetch, Store
from bench.peer_set import PeerSet, start_nginx
from bench.plan import IN_FLIGHT, Plan
from bench.rates import P99, UNITS, per_s, to_be_read, watched
from bench.rounds import Contestant, interleaved
from bench.transfers import Transfers, mb_per_s

NAME = "element"
FILES, MB = "files/s", "MB/s"
AIMED_SIZE_KIB, AIMED_IN_FLIGHT = 4, (32, 64)
A_SECOND_BYTES, A_FILE_BYTES = 400 * 1024 * 1024, 16 * 1024
"""What all contestants write of one size for each second that each of them has; what a file of 4 KiB takes."""
DOWN_BYTES = 64 * 1024
DOWN = "64 KiB down"
SHA256 = "sha256 of one core"
NGINX = "nginx sendfile"
NO_NGINX = "nginx is not installed: downloads have nothing to be compared with, and their two aims are not judged"


def run(bed: Bed, plan: Plan) -> Result:
    """Peers and element in turn; then many creates in a row; then, when it is asked for, more and more files."""
    room.must_have(bed.directory, NAME, plan, _written_bytes(plan))
    element = Element(bed, plan, PeerSet.start(bed, DOWN_BYTES, naive=True), start_nginx(bed, plan.large_bytes))
    figures = interleaved(list(element.contestants()), plan.runs, bed.settle, bed.tell)
    aims = [*_create_aims(), *_transfer_aims(plan, nginx=element.has_nginx), *endurance.aims(plan), *curve.aims(plan)]
    more = [*endurance.run(bed, plan), *curve.run(bed, plan), *rebuild.run(bed, plan)]
    notes = [] if element.has_nginx else [NO_NGINX]
    return Result(NAME, [*figures, *more], [*aims, *rebuild.aims()], notes=notes)


def _written_bytes(plan: Plan) -> int:
    """As much as a fast machine writes of the smallest files, and of larger ones until its disk is the limit."""
    measured_s = plan.seconds / 2 * len(plan.create_sizes_kib) * len(plan.create_in_flight) * plan.runs
    files = max(plan.curve, default=0) + plan.creates
    return int(measured_s * A_SECOND_BYTES) + files * A_FILE_BYTES + 2 * plan.large_bytes * plan.runs


def _creates(kib: int, in_flight: int) -> str:
    return f"{kib} KiB with {in_flight} in flight"


def _create_aims() -> Iterator[Aim]:
    for in_flight in AIMED_IN_FLIGHT:
        what = _creates(AIMED_SIZE_KIB, in_flight)
        ours, whole = f"{what}, ArtStore", f"{what}, ArtStore through the ingester"
        yield Aim(f"{what} at least 5x the naive element", ours, against=f"{what}, naive element", at_least=5)
        bare = f"{what}, bare FastAPI route"
        yield Aim(f"{what} at 0.6 of the bare FastAPI route", ours, against=bare, at_least=0.6)
        yield Aim(f"{what}, p99 at most 3x p50", f"{ours}, {P99}", at_most=3)
        two_hops = f"{what}, naive two-hop"
        yield Aim(f"{what}, through the ingester at least 10x the naive two-hop", whole, against=two_hops, at_least=10)
        yield Aim(f"{what}, through the ingester at 0.8 of the element alone", whole, against=ours, at_least=0.8)


def _transfer_aims(plan: Plan, *, nginx: bool) -> Iterator[Aim]:
    up, down = f"{plan.large} up", f"{plan.large} down"
    yield Aim(f"{up} in one stream at 0.6 of sha256's speed", f"{up}, ArtStore", f"{up}, {SHA256}", at_least=0.6)
    if nginx:
        yield Aim(f"{down} as fast as nginx with sendfile", f"{down}, ArtStore", f"{down}, {NGINX}", at_least=1)
        yield Aim(f"{DOWN} at 0.4 of nginx", f"{DOWN}, ArtStore", f"{DOWN}, {NGINX}", at_least=0.4)


class Element:
    """The contestants, and how each is measured."""

    def __init__(self, bed: Bed, plan: Plan, peers: PeerSet, large_nginx: int | None) -> None:
        self._bed = bed
        self._plan = replace(plan, seconds=plan.seconds / 2)  # there are a hundred of these
        self._peers = peers
        self._large_nginx = large_nginx
        self.has_nginx = large_nginx is not None

    def contestants(self) -> Iterator[Contestant]:
        """Creates, then transfers. What is downloaded in a round was uploaded in it."""
        for kib in self._plan.create_sizes_kib:
            for in_flight in self._plan.create_in_flight:
                yield from self._straight(_creates(kib, in_flight), kib * 1024, in_flight)
                if kib == AIMED_SIZE_KIB and in_flight in AIMED_IN_FLIGHT:
                    yield from self._whole_path(_creates(kib, in_flight), kib * 1024, in_flight)
        yield from self._large()
        yield from self._small_downloads()

    def _straight(self, what: str, size: int, in_flight: int) -> Iterator[Contestant]:
        bed, peers, plan = self._bed, self._peers, self._plan
        loop = partial(journal_loop.files_per_s, bed.directory / "journal-loop", size, in_flight, plan.seconds)
        yield Contestant(f"{what}, journal loop", Role.LIMIT, FILES, loop)
        bare = {"bare ASGI": (Role.LIMIT, peers.bare_asgi), "bare FastAPI route": (Role.PEER, peers.bare_fastapi)}
        for name, (role, port) in bare.items():
            yield self._rate(f"{what}, {name}", role, partial(uploads.to_hasher, bed, port, size), in_flight)
        naive = partial(uploads.to_element, bed, size, peers.naive_element)
        yield self._rate(f"{what}, naive element", Role.PEER, naive, in_flight)
        against = [f"{what}, {name}" for name in ("naive element", "journal loop", *bare)]
        job = partial(uploads.to_element, bed, size)
        yield self._watched(f"{what}, ArtStore", [uploads.ELEMENT], job, in_flight, against)

    def _whole_path(self, what: str, size: int, in_flight: int) -> Iterator[Contestant]:
        naive = partial(uploads.to_ingester, self._bed, size, self._peers.naive_ingester)
        yield self._rate(f"{what}, naive two-hop", Role.PEER, naive, in_flight)
        against = [f"{what}, naive two-hop", f"{what}, ArtStore"]
        job = partial(uploads.to_ingester, self._bed, size)
        both = ["ingester", uploads.ELEMENT]
        yield self._watched(f"{what}, ArtStore through the ingester", both, job, in_flight, against)

    def _large(self) -> Iterator[Contestant]:
        size, up, down = self._plan.large_bytes, f"{self._plan.large} up", f"{self._plan.large} down"
        transfers = Transfers(self._bed, size, uploads.to_element, uploads.ELEMENT)
        yield Contestant(f"{up}, {SHA256}", Role.LIMIT, MB, partial(limits.sha256_mb_per_s, size))
        yield Contestant(f"{up}, ArtStore", Role.ARTSTORE, MB, partial(transfers.store, 1), [f"{up}, {SHA256}"])
        if self._large_nginx:
            job = uploads.plain(self._large_nginx, "/content", size)
            yield Contestant(f"{down}, {NGINX}", Role.PEER, MB, lambda: _from_memory(job, size))
        yield Contestant(f"{down}, ArtStore", Role.ARTSTORE, MB, partial(transfers.bring, 1), [f"{down}, {NGINX}"])

    def _small_downloads(self) -> Iterator[Contestant]:
        files = to_be_read(self._bed, self._plan, DOWN_BYTES, [uploads.ELEMENT])
        if self._peers.nginx:
            job = partial(uploads.plain, self._peers.nginx, "/content", DOWN_BYTES)
            yield self._rate(f"{DOWN}, {NGINX}", Role.PEER, job, IN_FLIGHT)
        job = partial(uploads.from_part, self._bed, uploads.ELEMENT, files, DOWN_BYTES)
        yield self._rate(f"{DOWN}, ArtStore", Role.ARTSTORE, job, IN_FLIGHT, [f"{DOWN}, {NGINX}"])

    def _rate(
        self, name: str, role: Role, job: Callable[[], Store | Fetch], in_flight: int, against: Sequence[str] = ()
    ) -> Contestant:
        """`job` is made anew for each round, with a token that is good still."""
        return Contestant(name, role, FILES, lambda: per_s(job(), in_flight, self._plan), against)

    def _watched(
        self, name: str, parts: Sequence[str], job: Callable[[], Store], in_flight: int, against: Sequence[str]
    ) -> Contestant:
        def measure() -> Mapping[str, float]:
            return watched(self._bed, parts, job(), in_flight, self._plan)

        return Contestant(name, Role.ARTSTORE, FILES, measure, against, UNITS)


def _from_memory(job: Fetch, size_bytes: int) -> float:
    """MB/s the second time: from the page cache, as what was just compared."""
    mb_per_s(job, 1, size_bytes)
    return mb_per_s(job, 1, size_bytes)[0]
