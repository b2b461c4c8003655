"""element.json on disk: made at the first start, then only replaced whole."""

from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from pydantic import ValidationError

from artstore_kit.contracts.modes import Mode
from storage_element.adapters.local import disk
from storage_element.adapters.local.fence import Fence
from storage_element.domain import layout
from storage_element.domain.storage import WrongElement
from storage_element.domain.superblock import Superblock


class Superblocks:
    """The superblock of the element at `root`."""

    def __init__(self, root: Path, fence: Fence) -> None:
        self._root = root
        self._fence = fence
        self._path = root / layout.SUPERBLOCK
        self._current: Superblock | None = None
        self._one = Lock()

    @property
    def current(self) -> Superblock:
        """What the element is now."""
        assert self._current is not None, "open() comes first"
        return self._current

    def open(self, element_id: str, mode: Mode) -> None:
        """Read the superblock, or make the element of `element_id` and `mode` in an empty directory."""
        if not self._path.exists():
            self._make(element_id, mode)
        self._read()
        if self.current.element_id != element_id:
            raise WrongElement(f"{self._root} holds the element {self.current.element_id}, not {element_id}")
        self._fence.make_first(self.current.epoch)

    def refresh(self) -> None:
        """Read the superblock as it is now."""
        self._read()

    def take_over(self) -> int:
        """Raise the epoch: whoever wrote before is fenced off, and has written its last superblock. The new epoch."""
        epoch = self._fence.take_over(self.current.epoch)
        self._read()
        self._replace(epoch=epoch)
        return epoch

    def confirm(self) -> None:
        """Return when nobody has taken over since."""
        self._fence.check()

    def note_checkpoint(self, lsn: int) -> None:
        """All records up to `lsn` are synced as plain files."""
        self._replace(checkpoint_lsn=lsn, checkpoint_epoch=self._fence.epoch)

    def change_mode(self, mode: Mode) -> None:
        """Be of another mode."""
        self._replace(mode=mode)

    def _read(self) -> None:
        try:
            self._current = Superblock.model_validate_json(self._path.read_bytes())
        except ValidationError as error:
            raise WrongElement(f"{self._path}: {error.errors()[0]['loc']} {error.errors()[0]['msg']}") from None

    def _make(self, element_id: str, mode: Mode) -> None:
        left = [name for name in (layout.FILES, layout.JOURNAL) if (self._root / name).exists()]
        if left and any(any((self._root / name).iterdir()) for name in left):
            raise WrongElement(f"{self._root} holds files but no {layout.SUPERBLOCK}; restore it from a copy")
        for name in (layout.FILES, layout.JOURNAL, layout.STAGING, layout.QUARANTINE):
            disk.make_directories(self._root / name)
        self._current = Superblock(element_id=element_id, mode=mode, created_at=datetime.now(UTC))
        disk.replace_durably(self._path, self.current.to_json())

    def _replace(self, **fields: int | Mode) -> None:
        """One after the other: each begins from what the one before has written."""
        with self._one, self._fence.guarding():
            fresh = self.current.model_copy(update=fields)
            disk.replace_durably(self._path, fresh.to_json(), self._fence.path(f"{layout.SUPERBLOCK}.new"))
            self._current = fresh
