"""Answers that no cache and no browser may keep."""

from fastapi import Response

NEVER_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}


async def never_kept(response: Response) -> None:
    """A dependency of routes, or of a whole router: says so with each answer. Refusals say so everywhere."""
    response.headers.update(NEVER_KEPT)
