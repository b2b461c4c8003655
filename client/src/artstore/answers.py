"""Answers read whole, or refused in ArtStore's words."""

from dataclasses import dataclass

import aiohttp
from pydantic import BaseModel, ValidationError
from yarl import URL

from artstore.problems import error_of, unreachable
from artstore.retry import persist
from artstore_kit.contracts.errors import ArtStoreError


@dataclass(frozen=True)
class Answer:
    """A successful answer that was read whole."""

    url: URL
    body: bytes

    def as_a[Model: BaseModel](self, kind: type[Model]) -> Model:
        """The body as a model of the contracts."""
        try:
            return kind.model_validate_json(self.body)
        except ValidationError:
            raise ArtStoreError(f"{self.url.with_query(None)} answered something that is no {kind.__name__}.") from None


async def whole(response: aiohttp.ClientResponse) -> Answer:
    """The answer with its body."""
    async with response:
        try:
            return Answer(response.url, await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise unreachable(str(response.url.with_query(None)), error) from error


async def refuse(response: aiohttp.ClientResponse) -> None:
    """Raise the error that this answer means."""
    answer = await whole(response)
    raise error_of(response.status, response.headers, answer.body)


async def fetch[Model: BaseModel](session: aiohttp.ClientSession, url: str, kind: type[Model]) -> Model:
    """A document that everybody may read."""

    async def ask() -> Answer:
        try:
            response = await session.get(url, allow_redirects=False)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise unreachable(url, error) from error
        if response.status != 200:
            await refuse(response)
        return await whole(response)

    return (await persist(ask)).as_a(kind)
