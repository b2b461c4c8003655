"""An upload that is sent in parts to any side, without HTTP."""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from artstore_kit.contracts.files import UploadAttributes
from artstore_kit.testing.documents import document
from storage_element.domain.storage import Storage
from storage_element.domain.uploads import UploadSession


def begun() -> UploadSession:
    """The session of a new one."""
    return UploadSession(
        upload_id=uuid4(),
        file_id=document().file_id,
        attributes=UploadAttributes(name="large.bin"),
        uploaded_by="tester",
        expires_at=datetime.now(UTC) + timedelta(hours=1),
    )


async def sent(storage: Storage, session: UploadSession, data: bytes, *, saved: bool = True) -> UploadSession:
    """One part, its first piece written, the rest filled in."""
    of_part = hashlib.sha256()
    part = await storage.uploads.part(session, [of_part])
    await part.write(data[:1000])
    rest = memoryview(data)[1000:]
    while rest:
        room = part.room()
        length = min(len(rest), len(room))
        room[:length] = rest[:length]
        rest = rest[length:]
        await part.filled(length)
    await part.finish()
    await part.settle()
    assert (part.size, of_part.digest()) == (len(data), hashlib.sha256(data).digest())
    if saved:
        session = session.model_copy(update={"offset": session.offset + part.size})
        await storage.uploads.save(session)
    return session
