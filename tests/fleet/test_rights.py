"""Nobody enters any service without a token that is right in every respect, nor does what it does not allow."""

import pytest

from artstore import ArtStore
from artstore_kit.contracts.identity import ACTING_FOR_HEADER, Action, Scope
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.testing.tokens import TokenMint
from tests.fleet.documents import unique_word, until_found
from tests.fleet.forger import forgeries, public_pem, stolen_mint
from tests.fleet.people import administrator, newcomer
from tests.fleet.wire import Wire, refusal

ID = new_file_id()
PROTECTED = [
    ("admin", "GET", "/elements"),
    ("admin", "GET", "/service-accounts"),
    ("admin", "PUT", "/elements/edit-1"),
    ("edit-1", "GET", "/element"),
    ("edit-1", "PUT", f"/files/{ID}"),
    ("edit-1", "GET", f"/files/{ID}/content"),
    ("rw-1", "GET", "/changes"),
    ("ingester", "POST", "/files"),
    ("ingester", "DELETE", f"/files/{ID}"),
    ("query", "GET", "/search"),
    ("query", "GET", f"/files/{ID}"),
    ("query", "GET", f"/files/{ID}/content"),
]


@pytest.fixture
async def mint(wire: Wire) -> TokenMint:
    """The fleet's own signing key in a thief's hands."""
    return await stolen_mint(wire.fleet)


@pytest.mark.parametrize(("service", "method", "path"), PROTECTED, ids=lambda value: str(value).replace(str(ID), "id"))
async def test_a_wrong_token_is_refused(wire: Wire, mint: TokenMint, service: str, method: str, path: str) -> None:
    # The control: what the thief signs is refused for what it says, and for nothing else.
    assert (await wire.ask(method, service, path, token=mint.mint())).status_code != 401

    for token in forgeries(mint, public_pem(mint)).values():
        answer = await wire.ask(method, service, path, token=token)
        refusal(answer, 401, "not_authenticated")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


@pytest.mark.parametrize(("service", "method", "path"), PROTECTED, ids=lambda value: str(value).replace(str(ID), "id"))
async def test_a_token_without_the_scope_is_refused(
    wire: Wire, mint: TokenMint, service: str, method: str, path: str
) -> None:
    answer = await wire.ask(method, service, path, token=mint.mint(scopes=[Scope.AUDIT_READ]))
    refusal(answer, 403, "scope_missing")


@pytest.mark.parametrize("header", ["Basic YWRtaW46YWRtaW4=", "Bearer", "Token abc", "bearer"])
async def test_another_scheme_proves_nothing(wire: Wire, header: str) -> None:
    for service in ("admin", "edit-1", "query"):
        path = {"admin": "/elements", "edit-1": "/element", "query": "/search"}[service]
        answer = await wire.ask("GET", service, path, token="", headers={"Authorization": header})
        refusal(answer, 401, "not_authenticated")


async def test_an_account_reaches_its_own_collections_alone(store: ArtStore, wire: Wire) -> None:
    word = unique_word()
    await store.put(b"ours", name=f"{word}-plan.txt", collection=f"hr-{word}/2026")
    theirs = await store.put(b"theirs", name=f"{word}-payroll.txt", collection="secret")
    await until_found(store, f"{word} payroll", f"{word}-payroll.txt")
    token = await newcomer(wire, f"clerk-{word}", tuple(Scope.__members__.values())[:3], f"hr-{word}/*")

    found = await wire.ask("GET", "query", "/search", token=token, params={"q": word})
    assert [hit["file"]["content"]["name"] for hit in found.json()["items"]] == [f"{word}-plan.txt"]
    assert (await wire.upload(b"-", token=token, collection=f"hr-{word}/x")).status_code == 201
    for service, method, path in [
        ("query", "GET", f"/files/{theirs.file_id}"),
        ("query", "GET", f"/files/{theirs.file_id}/content"),
        ("ingester", "DELETE", f"/files/{theirs.file_id}"),
        ("edit-1", "GET", f"/files/{theirs.file_id}"),
        ("edit-1", "GET", f"/files/{theirs.file_id}/content"),
        ("edit-1", "DELETE", f"/files/{theirs.file_id}"),
        ("edit-1", "GET", "/files"),
        ("edit-1", "GET", "/changes"),
    ]:
        refusal(await wire.ask(method, service, path, token=token), 403, "grant_missing")


async def test_an_account_changes_nothing_of_others(store: ArtStore, wire: Wire) -> None:
    word = unique_word()
    ours = await store.put(b"ours", name="ours.txt", collection=word)
    theirs = await store.put(b"theirs", name="theirs.txt", collection="secret")
    token = await newcomer(wire, f"writer-{word}", [Scope.FILES_WRITE, Scope.FILES_DELETE], word, [Action.WRITE])

    refusal(await wire.upload(b"-", token=token, collection="secret"), 403, "grant_missing")
    for service in ("ingester", "edit-1"):
        path, out, into = f"/files/{theirs.file_id}", {"collection": "secret"}, {"collection": word}
        refusal(await wire.ask("PATCH", service, path, token=token, json=into), 403, "grant_missing")
        path = f"/files/{ours.file_id}"
        refusal(await wire.ask("PATCH", service, path, token=token, json=out), 403, "grant_missing")
        refusal(await wire.ask("DELETE", service, path, token=token), 403, "grant_missing")
    assert (await store.info(ours.file_id)).collection == word


async def test_who_uploaded_is_the_one_who_asked(store: ArtStore, wire: Wire) -> None:
    """The ingester's own account does not stand in for its callers', and nobody else may name another."""
    word = unique_word()
    token = await newcomer(wire, f"author-{word}", [Scope.FILES_WRITE])

    stored = await wire.upload(b"-", token=token)
    pretended = await wire.upload(b"-", token=token, headers={ACTING_FOR_HEADER: "admin"})

    assert stored.json()["uploaded_by"] == f"author-{word}"
    refusal(pretended, 403, "scope_missing")


async def test_the_administrator_sees_accounts_and_elements_and_no_secret(wire: Wire) -> None:
    token = await administrator(wire)
    await newcomer(wire, f"seen-{unique_word()}", [Scope.FILES_READ])

    accounts = await wire.ask("GET", "admin", "/service-accounts", token=token, params={"limit": "1000"})
    one = await wire.ask("GET", "admin", "/service-accounts/storage-element", token=token)
    elements = await wire.ask("GET", "admin", "/elements", token=token)
    element = await wire.ask("GET", "admin", "/elements/rw-1", token=token)

    assert one.json() in accounts.json()["items"]
    assert "secret" not in accounts.text.replace("secret_expires_at", "")
    assert [each["element_id"] for each in elements.json()["items"]] == ["edit-1", "rw-1"]
    assert element.json()["mode"] == "rw"


async def test_a_client_finds_its_way_from_the_admin_module_alone(wire: Wire, mint: TokenMint) -> None:
    admin = wire.fleet.url("admin")
    addresses, metadata, keys = [
        (await wire.client.get(f"{admin}/.well-known/{name}")).json()
        for name in ("artstore", "oauth-authorization-server", "jwks.json")
    ]

    assert addresses == {f"{name}_url": wire.fleet.url(name) for name in ("admin", "ingester", "query")}
    assert metadata["issuer"] == admin
    assert metadata["token_endpoint"] == f"{admin}/api/v1/auth/token"
    assert metadata["jwks_uri"] == f"{admin}/.well-known/jwks.json"
    assert mint.key_id in [key["kid"] for key in keys["keys"]]
    assert {key["alg"] for key in keys["keys"]} == {"RS256"}
    assert [{"d", "p", "q"} & key.keys() for key in keys["keys"]] == [set()] * len(keys["keys"])


async def test_wrong_credentials_get_no_token(wire: Wire) -> None:
    known, _ = wire.fleet.credentials("fleet-demo")
    for client_id in (known, "nobody-knows-me"):
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": "wrong"}
        answer = await wire.ask("POST", "admin", "/auth/token", token="", data=form)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    login = {"username": "nobody", "password": "wrong password"}
    refusal(await wire.ask("POST", "admin", "/auth/login", token="", json=login), 401, "bad_credentials")
