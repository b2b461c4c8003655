"""Bringing a file's content from the element that has it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID

from artstore_kit.bytestream import ByteAnswer
from artstore_kit.contracts.errors import (
    DeadlineExceeded,
    DependencyAnsweredBadly,
    DependencyUnavailable,
    ElementAnsweredBadly,
    ElementUnavailable,
    FileUnknown,
    InternalError,
    NotFound,
    PreconditionFailed,
    RangeNotSatisfiable,
)
from artstore_kit.contracts.files import COLLECTION_HEADER, collection_named
from artstore_kit.contracts.identity import Action
from artstore_kit.principal import Principal
from query_module.adapters.elements import Elements
from query_module.services.locate import Location, Locator

NOT_THERE = (FileUnknown, NotFound)
NO_ANSWER = (
    DependencyUnavailable,
    DependencyAnsweredBadly,
    DeadlineExceeded,
    ElementUnavailable,
    InternalError,
)
OF_THE_CONTENT = (PreconditionFailed, RangeNotSatisfiable)
"""Refusals that tell the size or the digest of the content."""


class Delivery:
    """Finds the element that has the content, and opens it there."""

    def __init__(self, locator: Locator, elements: Elements) -> None:
        self._locator = locator
        self._elements = elements

    @asynccontextmanager
    async def open(
        self, file_id: UUID, who: Principal, method: str, headers: Mapping[str, str]
    ) -> AsyncIterator[ByteAnswer]:
        """The element's answer to `method` with these conditions and ranges, its body still to be read.

        `GrantMissing` too when the file has been moved to another collection and the index does not know it yet.
        """
        location = await self._locator.locate(file_id)
        who.require_grant(Action.READ, location.collection)
        async with AsyncExitStack() as stack:
            try:
                answer = await self._open_at(stack, location, file_id, who, method=method, headers=headers)
            except (*NOT_THERE, *NO_ANSWER) as error:
                silent = isinstance(error, NO_ANSWER)
                elsewhere = await self._locator.search(file_id, wrong=location, silent=silent)
                who.require_grant(Action.READ, elsewhere.collection)
                answer = await self._open_at(stack, elsewhere, file_id, who, method=method, headers=headers)
            yield answer

    async def _open_at(
        self,
        stack: AsyncExitStack,
        location: Location,
        file_id: UUID,
        who: Principal,
        *,
        method: str,
        headers: Mapping[str, str],
    ) -> ByteAnswer:
        client = self._elements.client(location.element_id)
        try:
            answer = await stack.enter_async_context(client.open_content(file_id, headers, method=method))
        except OF_THE_CONTENT:
            who.require_grant(Action.READ, (await client.glance(file_id)).collection)
            raise
        who.require_grant(Action.READ, _collection_of(answer, location))
        return answer


def _collection_of(answer: ByteAnswer, location: Location) -> str:
    """The collection that the file is in now: the index, and what is remembered, may be behind."""
    field = answer.headers.get(COLLECTION_HEADER)
    if field is None:
        raise ElementAnsweredBadly(f"The element {location.element_id} does not say which collection the file is in.")
    return collection_named(field)
