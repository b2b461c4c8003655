"""How far an element's change feed has been read."""

from dataclasses import dataclass, replace

from artstore_kit.contracts.files import ChangePage


@dataclass(frozen=True)
class Cursor:
    """A position in one generation of a feed.

    A new generation means that history was lost: the feed is read again from its beginning, each file that is met is
    stamped with a new `sweep`, and at the end the files with older stamps are forgotten. Until then they are found.
    """

    generation: str = ""
    lsn: int = 0
    sweep: int = 0
    sweeping: bool = False

    def restarted(self, generation: str) -> "Cursor":
        """At the beginning of another generation."""
        return Cursor(generation, lsn=0, sweep=self.sweep + 1, sweeping=True)

    def after(self, page: ChangePage) -> "Cursor":
        """Behind a page of the same generation; an empty page is the end of the feed as it is now."""
        return replace(self, lsn=page.next_after, sweeping=self.sweeping and bool(page.items))
