"""Running an application inside a test: through ASGI, or on a real port when connections matter."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Mapping

import httpx
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from artstore_kit.connection import connections


@contextlib.asynccontextmanager
async def open_client(
    app: FastAPI, headers: Mapping[str, str] | None = None, *, raise_app_exceptions: bool = True
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of `app`, whose lifespan runs meanwhile. Answers are whole: nothing of them is streamed."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=raise_app_exceptions)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://service.test", headers=headers) as client,
    ):
        yield client


@contextlib.asynccontextmanager
async def open_server(app: ASGIApp, *, lifespan: bool = True, port: int = 0) -> AsyncIterator[str]:
    """The URL at which `app` answers on a loopback port (0: any), with the server that production uses."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        server = QuietServer(_config(app, lifespan))
        task = asyncio.create_task(server.serve([listener]))
        try:
            while not server.started:
                await asyncio.sleep(0.005)
                if task.done():
                    raise RuntimeError("the application did not start; the log says why")
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


class QuietServer(uvicorn.Server):
    """Leaves the signals to the test run."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None."""
        yield


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _config(app: ASGIApp, lifespan: bool) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=connections(),  # type: ignore[arg-type]  # called like a class
        log_config=None,
        access_log=False,
        lifespan="on" if lifespan else "off",
        timeout_graceful_shutdown=1,
    )
