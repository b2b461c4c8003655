"""Where the stand-in's routes find the fleet, and how they answer."""

from uuid import UUID

from aiohttp import web

from artstore_kit.contracts import errors
from artstore_kit.contracts.files import FileAttributes
from client.tests.stand_in import Fleet

FLEET = web.AppKey("fleet", Fleet)


def file_of(request: web.Request) -> FileAttributes:
    """The file that the path names."""
    file = request.app[FLEET].files.get(UUID(request.match_info["file_id"]))
    if file is None:
        raise errors.FileUnknown
    return file


def json_of(text: str, status: int = 200) -> web.Response:
    """A document."""
    return web.Response(status=status, text=text, content_type="application/json")
