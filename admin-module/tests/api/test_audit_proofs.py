"""Checkpoint, proofs, key, leaves and exports, as an outsider meets them."""

import base64
import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from admin_module.domain.merkle import TileId, consistency_spans, grown, inclusion_spans, leaf_hash, span_hash
from admin_module.services.audit_search import AuditSearch
from artstore_kit.application import Application
from artstore_kit.contracts.audit import AuditEntry, AuditRecord, new_entry_id
from artstore_kit.contracts.errors import AuditLogDamaged
from artstore_kit.testing.application import open_server
from artstore_kit.testing.patience import eventually

API = "/api/v1/audit"
COUNT = 300
FORMULAS = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "＝1"]
type Headers = dict[str, str]


@pytest.fixture(scope="module")
async def as_teller(client: httpx.AsyncClient, as_administrator: Headers) -> Headers:
    """Headers of a service that delivers entries: people have that right in no role."""
    new = {"client_id": "teller", "scopes": ["audit:write"], "grants": []}
    made = (await client.post("/api/v1/service-accounts", json=new, headers=as_administrator)).json()
    auth = httpx.BasicAuth("teller", made["client_secret"])
    answer = await client.post("/api/v1/auth/token", data={"grant_type": "client_credentials"}, auth=auth)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.fixture(scope="module")
async def size(client: httpx.AsyncClient, as_teller: Headers) -> int:
    """How many entries a checkpoint covers, with those of this test among them."""
    told = [
        {"entry_id": str(new_entry_id()), "service": "tests", "action": "file.read", "resource": f"file:{number}"}
        for number in range(COUNT)
    ]
    for entry, formula in zip(told, FORMULAS, strict=False):
        entry["resource"] = formula
    answer = await client.post(f"{API}/entries", json={"entries": told}, headers=as_teller)
    assert answer.json()["appended"] == COUNT

    async def signed() -> bool:
        return (await client.get(f"{API}/checkpoint")).status_code == 200 and await signed_size(client) > COUNT

    await eventually(signed, within_s=15)
    return await signed_size(client)


async def signed_size(client: httpx.AsyncClient) -> int:
    return int((await client.get(f"{API}/checkpoint")).text.split("\n")[1])


async def leaves(client: httpx.AsyncClient, headers: Headers, **query: Any) -> list[bytes]:
    answer = await client.get(f"{API}/leaves", params=query, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    return answer.content.splitlines()


async def tree(client: httpx.AsyncClient, headers: Headers, size: int) -> dict[TileId, bytes]:
    kept = await leaves(client, headers, limit=size)
    assert [json.loads(leaf)["index"] for leaf in kept] == list(range(size))
    return grown(0, {}, [leaf_hash(leaf) for leaf in kept])


def decoded(hashes: list[str]) -> list[bytes]:
    return [base64.b64decode(each) for each in hashes]


async def test_the_checkpoint_is_that_of_the_leaves(
    client: httpx.AsyncClient, as_administrator: Headers, size: int
) -> None:
    answer = await client.get(f"{API}/checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    name, signed, root = answer.text.split("\n")[:3]
    tiles = await tree(client, as_administrator, int(signed))
    assert base64.b64decode(root) == span_hash(tiles, (0, int(signed)))
    key = await client.get("/.well-known/artstore-audit")
    assert key.text.startswith(f"{name}+")
    assert f"\n— {name} " in answer.text


async def test_inclusion_by_place_and_by_id(client: httpx.AsyncClient, as_administrator: Headers, size: int) -> None:
    tiles = await tree(client, as_administrator, size)
    (leaf,) = await leaves(client, as_administrator, start=7, limit=1)
    entry_id = json.loads(leaf)["entry"]["entry_id"]
    for named in ({"index": 7}, {"entry_id": entry_id}):
        query = {**named, "size": size}
        answer = await client.get(f"{API}/proofs/inclusion", params=query, headers=as_administrator)
        proof = answer.json()
        assert (proof["index"], proof["size"], proof["leaf_hash"]) == (
            7,
            size,
            base64.b64encode(leaf_hash(leaf)).decode(),
        )
        assert decoded(proof["hashes"]) == [span_hash(tiles, span) for span in inclusion_spans(7, size)]


async def test_without_a_size_a_proof_is_for_the_newest_checkpoint(
    client: httpx.AsyncClient, as_administrator: Headers, size: int
) -> None:
    inclusion = await client.get(f"{API}/proofs/inclusion", params={"index": 0}, headers=as_administrator)
    consistency = await client.get(f"{API}/proofs/consistency", params={"first": 1})
    assert inclusion.json()["size"] >= size
    assert consistency.json()["second"] >= size


async def test_consistency_needs_no_token(client: httpx.AsyncClient, as_administrator: Headers, size: int) -> None:
    tiles = await tree(client, as_administrator, size)
    answer = await client.get(f"{API}/proofs/consistency", params={"first": 130, "second": size})
    assert (answer.json()["first"], answer.json()["second"]) == (130, size)
    assert decoded(answer.json()["hashes"]) == [span_hash(tiles, span) for span in consistency_spans(130, size)]


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("inclusion", {}, (422, "invalid_fields")),
        ("inclusion", {"index": 0, "entry_id": str(new_entry_id())}, (422, "invalid_fields")),
        ("inclusion", {"index": -1}, (422, "invalid_fields")),
        ("inclusion", {"index": 0, "size": 0}, (422, "invalid_fields")),
        ("inclusion", {"index": 0, "size": 10**12}, (422, "invalid_fields")),
        ("inclusion", {"index": 10**12}, (404, "audit_entry_unknown")),
        ("inclusion", {"index": 2, "size": 2}, (409, "checkpoint_pending")),
        ("inclusion", {"entry_id": str(new_entry_id())}, (404, "audit_entry_unknown")),
        ("consistency", {"first": 0}, (422, "invalid_fields")),
        ("consistency", {"first": 3, "second": 2}, (422, "invalid_fields")),
        ("consistency", {"first": 3, "second": 10**12}, (422, "invalid_fields")),
        ("consistency", {"first": 10**12}, (422, "invalid_fields")),
        ("consistency", {}, (422, "invalid_fields")),
    ],
)
async def test_proofs_that_cannot_be_had(
    client: httpx.AsyncClient, as_administrator: Headers, size: int, path: str, query: Any, code: tuple[int, str]
) -> None:
    answer = await client.get(f"{API}/proofs/{path}", params=query, headers=as_administrator)
    assert (answer.status_code, answer.json()["code"]) == code


async def test_what_needs_a_token(client: httpx.AsyncClient) -> None:
    for path in ("entries", "export", "leaves", "proofs/inclusion?index=0"):
        answer = await client.get(f"{API}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


async def test_leaves_in_parts(client: httpx.AsyncClient, as_administrator: Headers, size: int) -> None:
    whole = await leaves(client, as_administrator, limit=size)
    parts = [await leaves(client, as_administrator, start=at, limit=100) for at in range(0, size, 100)]
    assert [leaf for part in parts for leaf in part][:size] == whole
    assert await leaves(client, as_administrator, start=10**12) == []


async def test_json_has_every_entry_that_matches(
    client: httpx.AsyncClient, as_administrator: Headers, size: int
) -> None:
    query = {"service": "tests", "format": "json"}
    answer = await client.get(f"{API}/export", params=query, headers=as_administrator)
    assert answer.headers["content-disposition"] == 'attachment; filename="audit.json"'
    assert {record["entry"]["resource"] for record in answer.json()} == {
        *FORMULAS,
        *(f"file:{number}" for number in range(len(FORMULAS), COUNT)),
    }
    query = {"service": "nobody", "format": "json"}
    assert (await client.get(f"{API}/export", params=query, headers=as_administrator)).json() == []


async def test_csv_has_every_entry_and_no_formula(
    client: httpx.AsyncClient, as_administrator: Headers, size: int
) -> None:
    query = {"service": "tests", "format": "csv"}
    answer = await client.get(f"{API}/export", params=query, headers=as_administrator)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == COUNT
    assert {row["action"] for row in rows} == {"file.read"}
    assert {f"'{formula}" for formula in FORMULAS} < {row["resource"] for row in rows}
    assert not any(cell.startswith(("=", "+", "-", "@", "＝")) for row in rows for cell in row.values())


@pytest.mark.parametrize("path", ["export?format=json", "export?format=csv", "leaves"])
async def test_what_breaks_off_does_not_look_like_the_end(
    app: Application,
    client: httpx.AsyncClient,
    as_administrator: Headers,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    """The answer has begun: nothing but the connection itself can say that this was not all."""
    entry = AuditEntry(entry_id=new_entry_id(), service="s", action="file.read")

    async def breaking(*_: object) -> AsyncIterator[Any]:
        yield b"{}\n" if path == "leaves" else [AuditRecord(entry=entry, index=0, recorded_at=datetime.now(UTC))]
        raise AuditLogDamaged

    monkeypatch.setattr(AuditSearch, "leaves" if path == "leaves" else "all", breaking)
    async with (
        open_server(app, lifespan=False) as url,
        httpx.AsyncClient(base_url=url, headers=as_administrator) as far,
    ):
        with pytest.raises(httpx.RemoteProtocolError):
            await far.get(f"/api/v1/audit/{path}")


async def test_a_format_that_is_not_written(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    answer = await client.get(f"{API}/export", params={"format": "xls"}, headers=as_administrator)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")
