"""Which node is the master of an element: the mark that it keeps on the storage, and what others make of it."""

from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel, Field


class Mark(BaseModel):
    """What a master says of itself, again and again: a follower sees it change, whatever clock it has."""

    node_id: str
    url: str = Field(description="where this node is reached")
    epoch: int
    beat: int = Field(0, description="grows each time")
    is_ready: bool = Field(False, description="it has replayed the journal and takes writes")
    is_released: bool = Field(False, description="it has stopped in order: whoever wants to may take over")


@dataclass(frozen=True)
class Sighting:
    """The epoch of an element, and the mark of its master, as somebody saw them. Whatever changes is a sign of life."""

    epoch: int
    mark: Mark | None

    @property
    def master(self) -> Mark | None:
        """Who takes writes now. The mark of an older epoch is what a master left that was taken over."""
        mark = self.mark
        return mark if mark and mark.epoch == self.epoch and mark.is_ready and not mark.is_released else None

    @property
    def is_released(self) -> bool:
        """Whether the last master has stopped in order."""
        return self.mark is not None and self.mark.epoch == self.epoch and self.mark.is_released


class Marks(Protocol):
    """Where a master leaves its mark, on the element's own storage."""

    @property
    def epoch(self) -> int:
        """Of this node as master; 0 when it is none."""

    async def write(self, mark: Mark) -> None:
        """Replace the mark; `Fenced` when another node has taken over."""

    async def look(self) -> Sighting:
        """What there is; the superblock is read again with it, since the master may have changed it."""
