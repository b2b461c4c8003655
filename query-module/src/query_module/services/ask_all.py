"""Asking the elements themselves: for files that are too new for the index, have moved, or when there is no index."""

import asyncio
from collections.abc import Collection
from uuid import UUID

from artstore_kit.contracts.errors import (
    ArtStoreError,
    ElementUnavailable,
    FileUnknown,
    NotFound,
)
from artstore_kit.contracts.files import FileAttributes
from query_module import metrics
from query_module.adapters.elements import Elements


class AskAll:
    """Every element is asked at once; the first that has the file answers for all."""

    def __init__(self, elements: Elements, deadline_s: float) -> None:
        self._elements = elements
        self._deadline_s = deadline_s

    async def find(self, file_id: UUID, *, but: Collection[str] = (), silent: Collection[str] = ()) -> FileAttributes:
        """The file's attributes; `FileUnknown` only when each element has said that it does not have it.

        `but` are elements that have said so already, `silent` such that did not answer.
        """
        ids = [element_id for element_id in self._elements.ids() if element_id not in {*but, *silent}]
        tasks = [asyncio.create_task(self._ask(element_id, file_id)) for element_id in ids]
        unanswered = list(silent)
        try:
            for next_answer in asyncio.as_completed(tasks):
                answer = await next_answer
                if isinstance(answer, FileAttributes):
                    metrics.ASKED_ALL.labels("found").inc()
                    return answer
                if answer:
                    unanswered.append(answer)
        finally:
            for task in tasks:
                task.cancel()
        metrics.ASKED_ALL.labels("unanswered" if unanswered else "unknown").inc()
        if unanswered:
            raise ElementUnavailable(
                f"No element that answered has this file; without an answer: {', '.join(sorted(unanswered))}."
            )
        raise FileUnknown

    async def _ask(self, element_id: str, file_id: UUID) -> FileAttributes | str | None:
        """The attributes, None when the element does not have the file, or its name when it does not say."""
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._elements.client(element_id).glance(file_id)
        except (FileUnknown, NotFound):
            return None
        except (ArtStoreError, TimeoutError):
            return element_id
