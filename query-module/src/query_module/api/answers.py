"""Pages of files as JSON, made of the elements' own JSON: nothing is parsed to be written again."""

import json

from query_module.domain.place import Ranked
from query_module.services.search import FoundPage


def hit_page(page: FoundPage) -> str:
    """A `Page[SearchHit]`."""
    return _page([f'{{"file":{found.attributes},"score":{_score(found.place)}}}' for found in page.items], page)


def file_page(page: FoundPage) -> str:
    """A `Page[FileAttributes]`."""
    return _page([found.attributes for found in page.items], page)


def _page(items: list[str], page: FoundPage) -> str:
    return f'{{"items":[{",".join(items)}],"next_cursor":{json.dumps(page.next_cursor)}}}'


def _score(place: object) -> str:
    return json.dumps(place.score if isinstance(place, Ranked) else None)
