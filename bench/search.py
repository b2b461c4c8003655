"""Answers from an index of many documents: search, listing, attributes; and how soon a new document is found."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import httpx

from bench import findable, questions
from bench.bed import Bed
from bench.documents import Corpus
from bench.figures import Aim, Figure, Result, Role, percentiles
from bench.index import Filled, fill
from bench.jobs import Fetch, carry_out
from bench.peer_set import PeerSet
from bench.plan import Plan
from bench.rounds import Contestant, interleaved

NAME = "search"
UNIT = "ms"
DEEP_PAGES = 100
EMPTY = '"items":[]'
FINDABLE_WITHIN_MS = 1000
FLOOR = "any answer, bare FastAPI route"
SOON = "from acknowledgement to findable"


def run(bed: Bed, plan: Plan) -> Result:
    """Fill the index, then ask one question at a time: the time is an answer's, not a queue's."""
    bed.tell(f"making and indexing {plan.documents} documents")
    corpus = Corpus(plan.documents)
    filled = asyncio.run(fill(bed, corpus))
    indexed = Figure("indexing, in batches of 1,000", Role.ARTSTORE, "documents/s", [filled.per_s])
    asked = interleaved(list(Search(bed, plan).contestants(corpus, filled)), plan.runs, bed.settle, bed.tell)
    # After the questions, because what is uploaded here makes the index larger.
    found = interleaved(list(_findable(bed, plan)), plan.runs, bed.settle, bed.tell)
    return Result(NAME, [indexed, *asked, *found], [_aim("fleet idle"), _aim("others uploading")])


def _findable(bed: Bed, plan: Plan) -> Iterator[Contestant]:
    idle = partial(findable.while_idle, bed, plan.probes)
    yield Contestant(f"{SOON}, fleet idle", Role.ARTSTORE, UNIT, idle)
    busy = partial(findable.while_uploading, bed, plan.probes, plan.seconds * 2)
    yield Contestant(f"{SOON}, others uploading", Role.ARTSTORE, UNIT, busy)


def _aim(when: str) -> Aim:
    return Aim(f"{SOON} in 1 s (p99, {when})", f"{SOON}, {when}, p99", at_most=FINDABLE_WITHIN_MS)


class Search:
    """The contestants, and how each is measured."""

    def __init__(self, bed: Bed, plan: Plan) -> None:
        self._bed = bed
        self._plan = plan

    def contestants(self, corpus: Corpus, filled: Filled) -> Iterator[Contestant]:
        """The floor of the framework, and every kind of question."""
        count = self._plan.questions
        searches = questions.searches(corpus, count)
        asked: Mapping[str, tuple[Sequence[str], str | None]] = {
            **{name: (paths, _never(name)) for name, paths in searches.items()},
            "listing, first page": ([questions.listing()], EMPTY),
            "listing, page far back": ([questions.listing(self._far_back())], EMPTY),
            "attributes, by id": (questions.attributes(filled.file_ids, count), None),
        }
        floor = PeerSet.start(self._bed, self._answer(searches["search, common word"][0])).bare_fastapi
        job = Fetch(port=floor, paths=["/document"])
        yield Contestant(FLOOR, Role.LIMIT, UNIT, partial(self._times, job))
        for name, (paths, never) in asked.items():
            job = Fetch(port=self._bed.port("query"), paths=list(paths), never=never)
            yield Contestant(name, Role.ARTSTORE, UNIT, partial(self._times, job), [FLOOR])

    def _times(self, job: Fetch) -> Mapping[str, float]:
        how = {"headers": self._bed.headers(), "count": self._plan.questions, "warm_up": self._plan.questions // 4}
        return percentiles(carry_out(job.model_copy(update=how)).times_ms)

    def _far_back(self) -> str:
        """The cursor of a page that many others come before."""
        cursor: str | None = None
        for _ in range(min(DEEP_PAGES, self._plan.documents // questions.LISTED - 1)):
            cursor = httpx.Response(200, content=self._answer(questions.listing(cursor))).json()["next_cursor"]
        return str(cursor)

    def _answer(self, path: str) -> bytes:
        url = f"{self._bed.fleet.url('query')}{path}"
        return httpx.get(url, headers=self._bed.headers(), timeout=30).raise_for_status().content


def _never(name: str) -> str | None:
    """A word that is in one document of a hundred must be found; filters may leave nothing."""
    return EMPTY if name in {"search, common word", "search, frequent word"} else None
