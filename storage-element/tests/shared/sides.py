"""The sides of the seam, each on a store of its own that outlives the processes which open it."""

from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from running_element import ELEMENT_ID, MIB

from storage_element.adapters.local.direct import Buffers
from storage_element.adapters.local.disk import make_directories
from storage_element.adapters.local.fence import Fence
from storage_element.adapters.local.files import LocalFiles
from storage_element.adapters.local.journal import Journal
from storage_element.adapters.local.superblocks import Superblocks
from storage_element.adapters.local.threads import FilesInThreads, JournalInThread, SuperblocksInThread
from storage_element.adapters.local.upkeep import LocalUpkeep
from storage_element.adapters.local.uploads import LocalUploads
from storage_element.adapters.s3.bucket import Bucket
from storage_element.adapters.s3.opened import assembled
from storage_element.config import S3Settings
from storage_element.domain import layout
from storage_element.domain.storage import Storage


class Side(Protocol):
    """A store with nothing in it at first."""

    def opened(self) -> AbstractAsyncContextManager[Storage]:
        """A process that opens the element. Leaving it is like kill -9."""
        ...


type NewSide = Callable[[], Side]


@dataclass
class LocalSide:
    """A directory."""

    root: Path

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Storage]:
        """As the factory does, without the lock: two may be open."""
        async with AsyncExitStack() as stack:
            make_directories(self.root)
            executor = stack.enter_context(ThreadPoolExecutor(2, "io"))
            fence, buffers = Fence(self.root), Buffers()
            files = FilesInThreads(LocalFiles(self.root, fence), executor, buffers)
            journal = JournalInThread(Journal(self.root / layout.JOURNAL, ELEMENT_ID, MIB, fence))
            stack.callback(files.close)
            stack.callback(journal.close)
            upkeep = LocalUpkeep(self.root, fence)
            stack.callback(upkeep.close)
            superblocks = SuperblocksInThread(Superblocks(self.root, fence), executor)
            yield Storage(journal, files, superblocks, upkeep, LocalUploads(fence, executor, buffers))


@dataclass
class BucketSide:
    """A prefix of a bucket."""

    client: Any
    settings: S3Settings

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Storage]:
        """As the factory does, without the probe."""
        yield assembled(Bucket(self.client, self.settings), self.settings, ELEMENT_ID)[0]
