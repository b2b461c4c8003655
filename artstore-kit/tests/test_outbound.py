"""Control calls against a service that answers well, badly, late or not at all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from artstore_kit import request_context
from artstore_kit.breaker import State
from artstore_kit.callee import Callee
from artstore_kit.contracts import errors
from artstore_kit.outbound import Outbound
from artstore_kit.testing.application import free_port, open_server

METHODS = ["GET", "PUT", "POST"]


class Thing(BaseModel):
    name: str


@dataclass
class Service:
    """Answers what the test has prepared, in order; the last one again and again."""

    url: str = ""
    answers: list[Callable[[], Awaitable[Response]]] = field(default_factory=list)
    seen: list[Request] = field(default_factory=list)

    def will(self, *answers: Response | errors.ArtStoreError) -> None:
        self.answers = [_answering(answer) for answer in answers]

    async def __call__(self, request: Request) -> Response:
        self.seen.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer()


def _answering(answer: Response | errors.ArtStoreError) -> Callable[[], Awaitable[Response]]:
    async def respond() -> Response:
        if isinstance(answer, Response):
            return answer
        problem = answer.problem("theirs").model_dump_json()
        return Response(problem, answer.status, answer.headers, "application/problem+json")

    return respond


GOOD = JSONResponse({"name": "thing"})


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service = Service()
    app = Starlette(routes=[Route("/{path:path}", service.__call__, methods=METHODS)])
    async with open_server(app, lifespan=False) as service.url:
        yield service


@pytest.fixture
async def outbound(service: Service) -> AsyncIterator[Outbound]:
    async with Outbound(Callee("things", service.url), deadline_s=2) as outbound:
        yield outbound


async def test_an_answer_is_read_into_its_model(service: Service, outbound: Outbound) -> None:
    service.will(GOOD)
    assert await outbound.ask(Thing, "GET", "/things/1", params={"a": 1, "b": None}) == Thing(name="thing")
    assert str(service.seen[0].url.query) == "a=1"


async def test_who_calls_travels_with_the_call(service: Service) -> None:
    service.will(GOOD)
    request_context.request_id.set("request-7")
    request_context.acting_for.set("ann")
    answering = request_context.scope.set({"client": ("198.51.100.7", 4711)})
    async with Outbound(Callee("things", service.url, Tokens())) as outbound:
        await outbound.call("GET", "/")
    headers = service.seen[0].headers
    assert (headers["x-request-id"], headers["x-artstore-acting-for"]) == ("request-7", "ann")
    assert headers["x-artstore-acting-from"] == "198.51.100.7"
    assert headers["authorization"] == "Bearer token-1"
    request_context.scope.reset(answering)
    request_context.request_id.set("")
    request_context.acting_for.set("")


async def test_a_problem_becomes_the_error_that_it_tells_of(service: Service, outbound: Outbound) -> None:
    service.will(errors.ModeForbids("Not in ro.", mode="ro", headers={"Retry-After": "9"}))
    with pytest.raises(errors.ModeForbids) as refused:
        await outbound.call("GET", "/")
    assert (refused.value.detail, refused.value.extra) == ("Not in ro.", {"mode": "ro"})
    assert refused.value.headers == {"Retry-After": "9"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response("<html>", 502), errors.DependencyUnavailable),
        (Response("", 404), errors.NotFound),
        (Response("I'm a teapot", 418), errors.DependencyAnsweredBadly),
        (Response("{", 503, media_type="application/problem+json"), errors.DependencyUnavailable),
        (errors.NotAuthenticated(), errors.DependencyUnavailable),
        (errors.ScopeMissing(), errors.DependencyUnavailable),
        (JSONResponse({"colour": "red"}), errors.DependencyAnsweredBadly),
    ],
)
async def test_what_cannot_be_understood_is_told_apart(
    service: Service, outbound: Outbound, answer: Response | errors.ArtStoreError, error: type[errors.ArtStoreError]
) -> None:
    service.will(answer)
    with pytest.raises(error):
        await outbound.ask(Thing, "POST", "/")


async def test_an_idempotent_call_is_tried_again(service: Service, outbound: Outbound) -> None:
    service.will(errors.IndexUnavailable(), Response("", 502), GOOD)
    await outbound.call("PUT", "/", json=Thing(name="a"))
    assert len(service.seen) == 3


async def test_other_calls_are_tried_once(service: Service, outbound: Outbound) -> None:
    service.will(Response("", 502), GOOD)
    with pytest.raises(errors.DependencyUnavailable):
        await outbound.call("POST", "/")
    assert len(service.seen) == 1


async def test_a_refusal_is_not_tried_again(service: Service, outbound: Outbound) -> None:
    service.will(errors.FileUnknown())
    with pytest.raises(errors.FileUnknown):
        await outbound.call("GET", "/")
    assert len(service.seen) == 1


async def test_the_deadline_bounds_all_attempts(service: Service, outbound: Outbound) -> None:
    async def late() -> Response:
        await asyncio.sleep(5)
        return GOOD

    service.answers = [late]
    with pytest.raises(errors.DeadlineExceeded):
        async with asyncio.timeout(1):
            await outbound.call("GET", "/", deadline_s=0.2)
    assert len(service.seen) == 1


async def test_after_failures_calls_are_refused_at_once() -> None:
    async with Outbound(Callee("nobody", f"http://127.0.0.1:{free_port()}")) as outbound:
        for _ in range(5):
            with pytest.raises(errors.DependencyUnavailable):
                await outbound.call("POST", "/")
        assert outbound.callee.breaker.state is State.OPEN
        with pytest.raises(errors.CircuitOpen):
            await outbound.call("GET", "/")


async def test_refusals_do_not_open_the_circuit(service: Service, outbound: Outbound) -> None:
    service.will(errors.IndexUnavailable())
    for _ in range(10):
        with pytest.raises(errors.IndexUnavailable):
            await outbound.call("POST", "/")
    assert outbound.callee.breaker.state is State.CLOSED


async def test_a_caller_that_goes_away_says_nothing_of_the_service(service: Service, outbound: Outbound) -> None:
    service.answers = [lambda: asyncio.sleep(5, GOOD)]
    for _ in range(10):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await outbound.call("GET", "/")
    assert outbound.callee.breaker.state is State.CLOSED


class Tokens:
    """Credentials that count."""

    def __init__(self) -> None:
        self.number = 1

    async def token(self) -> str:
        return f"token-{self.number}"

    def forget(self, token: str) -> None:
        assert token == f"token-{self.number}"
        self.number += 1


async def test_a_refused_token_is_replaced(service: Service) -> None:
    service.will(errors.NotAuthenticated(), GOOD)
    async with Outbound(Callee("things", service.url, Tokens())) as outbound:
        await outbound.call("GET", "/")
    assert [each.headers["authorization"] for each in service.seen] == ["Bearer token-1", "Bearer token-2"]
