"""Answers that no cache and no browser may keep."""

from fastapi import Response

NEVER_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}


async def never_kept(response: Response) -> None:
    """A router's dependency: says so with each of its answers. Refusals say so everywhere."""
    response.headers.update(NEVER_KEPT)
