"""A file's bytes on their way out: from the page cache into the socket, without a copy of ours (sendfile(2))."""

import asyncio
import os
from dataclasses import dataclass

from artstore_kit.contracts.errors import ContentCorrupt


@dataclass(frozen=True, slots=True)
class FileSpan:
    """`size` bytes from `offset` of an open file: a chunk of an answer that nobody has read yet."""

    fd: int
    offset: int
    size: int

    def __len__(self) -> int:
        return self.size

    def __bytes__(self) -> bytes:
        """Read it; `ContentCorrupt` when it cannot be read, or the file ends before."""
        try:
            data = os.pread(self.fd, self.size, self.offset)
        except OSError as error:
            raise ContentCorrupt("The content cannot be read.") from error
        if len(data) != self.size:
            raise ContentCorrupt
        return data


async def send_span(connection_fd: int, span: FileSpan) -> None:
    """Send all of `span` through a connection that does not block; waits while its receiver is slow.

    `ContentCorrupt` when the file ends before or cannot be read, `ConnectionError` when the receiver has gone.
    """
    offset, end = span.offset, span.offset + span.size
    while offset < end:
        try:
            sent = os.sendfile(connection_fd, span.fd, offset, end - offset)
        except BlockingIOError:
            await _writable(connection_fd)
            continue
        except ConnectionError:
            raise
        except OSError:
            sent = await _send_copy(connection_fd, FileSpan(span.fd, offset, end - offset))
        if not sent:
            raise ContentCorrupt
        offset += sent


async def _send_copy(connection_fd: int, span: FileSpan) -> int:
    """Whatever sendfile(2) refuses is read and written instead; the bytes sent.

    There are file systems that cannot do it. And of an error that it met this tells whose it is: the file's or the
    connection's.
    """
    rest = memoryview(await asyncio.to_thread(bytes, span))
    while rest:
        try:
            rest = rest[os.write(connection_fd, rest) :]
        except BlockingIOError:
            await _writable(connection_fd)
        except OSError as error:
            raise ConnectionResetError(error.errno, error.strerror) from error
    return span.size


async def _writable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    writable = loop.create_future()
    loop.add_writer(fd, _set, writable)
    try:
        await writable
    finally:
        loop.remove_writer(fd)


def _set(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
