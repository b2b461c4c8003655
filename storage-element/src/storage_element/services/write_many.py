"""Many small files of one request: each is created as if it had come alone, and they share the journal's syncs."""

import asyncio
from collections.abc import Sequence

from artstore_kit.contracts.batches import BatchedFile
from artstore_kit.contracts.errors import ArtStoreError
from artstore_kit.contracts.identity import Action
from artstore_kit.contracts.ids import parse_file_id
from artstore_kit.exchange import Body
from artstore_kit.principal import Principal
from artstore_kit.request_context import request_id
from storage_element.domain.origin import Origin
from storage_element.services.receive import Announced
from storage_element.services.write import Upload, Writer

type Outcome = tuple[int, bytes]
"""Status and document: the file's attributes, or the problem that kept it out."""


class ManyWriter:
    """Creates side by side; one that is refused does not concern the others."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def create(self, files: Sequence[tuple[BatchedFile, bytes]], who: Principal) -> list[Outcome]:
        """The outcome of each file, in order."""
        return await asyncio.gather(*(self._outcome(file, content, who) for file, content in files))

    async def _outcome(self, file: BatchedFile, content: bytes, who: Principal) -> Outcome:
        try:
            who.require_grant(Action.WRITE, file.attributes.collection)
            stored, created = await self._writer.create(_upload(file, content, who), Body.of(content))
        except ArtStoreError as error:
            return error.status, error.problem(request_id.get()).model_dump_json(exclude_defaults=True).encode()
        return 201 if created else 200, stored.to_json()


def _upload(file: BatchedFile, content: bytes, who: Principal) -> Upload:
    file_id = parse_file_id(str(file.file_id))
    announced = Announced(len(content), bytes.fromhex(file.sha256))
    origin = Origin.of(who, acting_for=file.acting_for, request_id=file.request_id, address=file.address)
    return Upload(file_id, file.attributes, file.acting_for, origin, announced)
