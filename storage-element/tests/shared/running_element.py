"""An element that runs inside a test, and how it is made."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import httpx
from starlette.types import Message

from artstore_kit.application import Application
from artstore_kit.contracts.files import ATTRIBUTES_HEADER, ChangePage, FileAttributes
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.contracts.modes import Mode
from artstore_kit.exchange import Body
from artstore_kit.settings import AuditSettings, PostgresSettings, ServerSettings
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.application import open_client
from storage_element.config import (
    CapacitySettings,
    ElementSettings,
    ExpirySettings,
    JournalSettings,
    NodeSettings,
    ReconcileSettings,
    ReportSettings,
    S3Settings,
    ScrubSettings,
    Settings,
    UploadSettings,
    WhenFull,
)
from storage_element.domain import layout
from storage_element.factory.services import Services
from storage_element.main import create_app

ELEMENT_ID = "edit-1"
MIB = 2**20


def arriving(chunks: AsyncIterator[bytes]) -> Body:
    """A body that comes in these chunks."""

    async def receive() -> Message:
        chunk = await anext(chunks, None)
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    return Body(receive)


@dataclass
class Element:
    """An element that runs, and a client who may do everything."""

    root: Path
    http: httpx.AsyncClient
    app: Application

    @property
    def services(self) -> Services:
        """What the application was composed of."""
        services: Services = self.app.state.services
        return services

    async def send(
        self,
        content: bytes | AsyncIterator[bytes] = b"content",
        file_id: UUID | None = None,
        size: int | None = None,
        **attributes: object,
    ) -> httpx.Response:
        """Try to store a file; `size` is what is announced for content that comes in pieces."""
        headers = {ATTRIBUTES_HEADER: json.dumps({"name": "document.txt", **attributes})}
        if size is not None:
            headers["Content-Length"] = str(size)
        return await self.http.put(f"/api/v1/files/{file_id or new_file_id()}", content=content, headers=headers)

    async def put(
        self, content: bytes = b"content", file_id: UUID | None = None, **attributes: object
    ) -> FileAttributes:
        """Store a file, which must succeed."""
        answer = await self.send(content, file_id, None, **attributes)
        assert answer.status_code in {200, 201}, answer.text
        return FileAttributes.model_validate_json(answer.content)

    async def content(self, file_id: UUID, **headers: str) -> httpx.Response:
        """Ask for a file's content; `if_range="x"` is the header If-Range."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.get(f"/api/v1/files/{file_id}/content", headers=named)

    async def attributes(self, file_id: UUID) -> FileAttributes:
        """The attributes of a file that is there."""
        answer = await self.http.get(f"/api/v1/files/{file_id}")
        assert answer.status_code == 200, answer.text
        return FileAttributes.model_validate_json(answer.content)

    async def patch(self, file_id: UUID, if_match: str | None = None, **changes: object) -> httpx.Response:
        """Try to change attributes."""
        headers = {"If-Match": if_match} if if_match else {}
        return await self.http.patch(f"/api/v1/files/{file_id}", json=changes, headers=headers)

    async def replace(
        self, file: FileAttributes, content: bytes = b"replaced", if_match: str | None = None, **changes: object
    ) -> httpx.Response:
        """Try to give a file new content."""
        headers = {ATTRIBUTES_HEADER: json.dumps(changes)} | ({"If-Match": if_match} if if_match else {})
        return await self.http.put(f"/api/v1/files/{file.file_id}/content", content=content, headers=headers)

    async def remove(self, file_id: UUID) -> httpx.Response:
        """Try to remove a file."""
        return await self.http.delete(f"/api/v1/files/{file_id}")

    async def changes(self, after: int = 0, limit: int = 1000, wait_s: float = 0) -> ChangePage:
        """A page of the feed."""
        answer = await self.http.get(f"/api/v1/changes?after={after}&limit={limit}&wait_s={wait_s}")
        assert answer.status_code == 200, answer.text
        return ChangePage.model_validate_json(answer.content)

    async def feed_up_to(self, lsn: int, within_s: float = 5.0) -> ChangePage:
        """The whole feed, as soon as it has come to `lsn`."""
        async with asyncio.timeout(within_s):
            while (page := await self._feed()) is None or page.next_after < lsn:  # noqa: ASYNC110 (from outside there is no event)
                await asyncio.sleep(0.01)
        return page

    async def _feed(self) -> ChangePage | None:
        answer = await self.http.get("/api/v1/changes?limit=5000")
        return ChangePage.model_validate_json(answer.content) if answer.status_code == 200 else None

    def staged(self) -> list[str]:
        """What lies in staging."""
        return sorted(entry.name for entry in (self.root / layout.STAGING).glob("*/*"))

    def content_path(self, file: FileAttributes) -> Path:
        """Where the content of a file lies."""
        return self.root / layout.content_path(file.file_id, file.content.version)

    def attributes_path(self, file: FileAttributes) -> Path:
        """Where the attributes of a file lie."""
        return self.root / layout.attributes_path(file.file_id)


class ElementAt(Protocol):
    """Runs an element in a directory: `async with element_at(root) as element`."""

    def __call__(self, root: Path, **options: Any) -> AbstractAsyncContextManager[Element]:
        """Options are those of `SettingsAt`."""
        ...


@dataclass(frozen=True)
class SettingsAt:
    """Makes the settings of an element in a directory."""

    admin: AdminStandIn
    postgres: PostgresSettings

    def __call__(
        self,
        root: Path,
        *,
        mode: Mode = Mode.EDIT,
        reserve_bytes: int = 0,
        report_interval_s: float = 5,
        s3: S3Settings | None = None,
        scrub: ScrubSettings | None = None,
        reconcile: ReconcileSettings | None = None,
        expiry: ExpirySettings | None = None,
        when_full: WhenFull = WhenFull.STAY,
        uploads: Mapping[str, float] | None = None,
        node: NodeSettings | None = None,
        spool_dir: Path | None = None,
        **journal: float,
    ) -> Settings:
        """In a bucket where `s3` names one.

        Small segments; a checkpoint at the end alone unless `checkpoint_interval_s` says otherwise; nothing is
        scrubbed, reconciled or expired.
        """
        return Settings(
            server=ServerSettings(port=0),
            tokens=self.admin.token_settings(),
            postgres=self.postgres,
            account=self.admin.account("storage-element"),
            admin=self.admin.address(),
            audit=AuditSettings(spool_dir=spool_dir or root.with_name(f"{root.name}-audit{node.id if node else ''}")),
            element=ElementSettings(
                id=ELEMENT_ID,
                root=None if s3 else root,
                mode=mode,
                url="http://127.0.0.1:8010",
                priority=100,
                site="default",
            ),
            s3=s3 or S3Settings(),
            capacity=CapacitySettings(reserve_bytes=reserve_bytes, when_full=when_full),
            journal=JournalSettings.model_validate({"segment_bytes": MIB, "checkpoint_interval_s": 3600, **journal}),
            node=node or NodeSettings.model_validate({}),
            uploads=UploadSettings.model_validate(uploads or {}),
            report=ReportSettings(interval_s=report_interval_s),
            scrub=scrub or ScrubSettings(enabled=False),
            reconcile=reconcile or ReconcileSettings(enabled=False),
            expiry=expiry or ExpirySettings(enabled=False),
        )

    @asynccontextmanager
    async def running(self, root: Path, headers: dict[str, str], **options: Any) -> AsyncIterator[Element]:
        """An application over the directory, called through ASGI with these headers."""
        app = create_app(self(root, **options))
        async with open_client(app, headers) as http:
            yield Element(root, http, app)


def code(answer: httpx.Response) -> tuple[int, str]:
    """The status and the stable code of a refusal, which must be a problem document."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["request_id"] == answer.headers["x-request-id"]
    return answer.status_code, problem["code"]
