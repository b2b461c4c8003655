"""Bytes that come in pieces of any size go into buffers of a set one."""

from collections.abc import Awaitable, Callable


async def pour(piece: bytes, room: Callable[[], memoryview], filled: Callable[[int], Awaitable[None]]) -> None:
    """Copy `piece` to where there is `room`, and tell how much was `filled`, until all of it is there."""
    rest = memoryview(piece)
    while rest:
        buffer = room()
        length = min(len(rest), len(buffer))
        buffer[:length] = rest[:length]
        rest = rest[length:]
        await filled(length)
