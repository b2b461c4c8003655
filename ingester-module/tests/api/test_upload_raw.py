"""Raw bodies, described in the query or in a header."""

import hashlib
import json
from typing import Any

import pytest

from artstore_kit.contracts.files import ATTRIBUTES_HEADER, FileAttributes, RetentionKind
from artstore_kit.contracts.identity import ACTING_FOR_HEADER
from artstore_kit.digests import format_sha256
from artstore_kit.testing.element import StandInElement

FILES = "/api/v1/files"
LARGE = bytes(range(256)) * 8192


async def test_a_file_described_in_the_query_lies_on_the_edit_element(ingester: Any, edit: StandInElement) -> None:
    answer = await ingester.http.post(
        FILES,
        params={"name": "отчёт.txt", "collection": "hr/2026", "description": "d", "tag": ["a", "b"]},
        content=b"content",
        headers={"Content-Type": "text/plain; charset=utf-8"},
    )
    assert answer.status_code == 201
    file = FileAttributes.model_validate_json(answer.content)
    assert edit.files[file.file_id].content == b"content"
    assert answer.content == edit.files[file.file_id].attributes.to_json()
    assert (file.content.name, file.content.media_type) == ("отчёт.txt", "text/plain")
    assert (file.collection, file.description, file.tags) == ("hr/2026", "d", ["a", "b"])
    assert answer.headers["Location"] == f"http://query.test/api/v1/files/{file.file_id}"
    assert answer.headers["X-Request-ID"] == next(edit.requests("PUT")).headers["X-Request-ID"]
