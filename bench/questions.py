"""What the index is asked: paths of the query module, each kind with words and filters that differ."""

import random
from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from urllib.parse import urlencode

from bench.documents import BEGAN, COLLECTIONS, MEDIA_TYPES, SEED, TAGS, Corpus

SEARCH = "/api/v1/search"
LIST = "/api/v1/files"
SEARCHED = 20
LISTED = 50


def searches(corpus: Corpus, count: int) -> Mapping[str, Sequence[str]]:
    """Kinds of search, each with `count` paths."""
    chosen = random.Random(SEED)
    common = list(corpus.common())
    kinds = {
        "search, rare word": ({"q": word} for word in cycle(corpus.rare())),
        "search, common word": ({"q": word} for word in cycle(common)),
        "search, frequent word": ({"q": word} for word in cycle(corpus.frequent())),
        "search, two words": ({"q": f"{chosen.choice(corpus.frequent())} {word}"} for word in cycle(common)),
        "search, word and filters": ({"q": word, **_filters(chosen)} for word in cycle(common)),
        "search, filters alone": ({"tag": chosen.choice(TAGS), **_filters(chosen)} for _ in cycle([0])),
    }
    return {name: list(islice(map(_search, questions), count)) for name, questions in kinds.items()}


def attributes(file_ids: Sequence[str], count: int) -> Sequence[str]:
    """Files by id, from all over the index."""
    chosen = random.Random(SEED)
    return [f"{LIST}/{chosen.choice(file_ids)}" for _ in range(count)]


def listing(cursor: str | None = None) -> str:
    """A page of the listing, newest first."""
    return f"{LIST}?{urlencode({'limit': LISTED} | ({'cursor': cursor} if cursor else {}))}"


def _filters(chosen: random.Random) -> Mapping[str, str]:
    return {
        "collection": chosen.choice(COLLECTIONS),
        "media_type": chosen.choice(list(MEDIA_TYPES.values())),
        "uploaded_after": BEGAN.isoformat(),
    }


def _search(question: Mapping[str, str]) -> str:
    return f"{SEARCH}?{urlencode({**question, 'limit': SEARCHED})}"
