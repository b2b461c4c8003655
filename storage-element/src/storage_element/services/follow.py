"""What a follower knows of its element, and of who is the master."""

from artstore_kit.contracts.elements import ElementState, Role
from artstore_kit.contracts.errors import NoMaster, StorageFault, StorageUnavailable
from storage_element.domain.storage import Superblocks
from storage_element.services.election import Election


class Follower:
    """Tells it."""

    def __init__(self, superblocks: Superblocks, election: Election) -> None:
        self._superblocks = superblocks
        self._election = election

    async def state(self) -> ElementState:
        """The element as this node has seen it last. Room, files and damage are measured by the master alone."""
        block, master = self._superblocks.current, self._election.master
        return ElementState(
            role=Role.FOLLOWER,
            node_id=self._election.node_id,
            master_url=master.url if master else None,
            mode=block.mode,
            epoch=block.epoch,
            writable=False,
            state=self._code(),
        )

    def _code(self) -> str:
        """The worst that is to be told."""
        if self._election.silent_s():
            return StorageUnavailable.code
        if not self._election.may_lead:
            return StorageFault.code
        return "ok" if self._election.master else NoMaster.code
