"""`/api/v1/auth/totp`."""

import base64
from datetime import UTC, datetime

import httpx
import pytest

from admin_module.domain.totp import code_of, step_at

AUTH = "/api/v1/auth"
type Headers = dict[str, str]


async def login(client: httpx.AsyncClient, password: str, **more: str) -> httpx.Response:
    return await client.post(f"{AUTH}/login", json={"username": "admin", "password": password, **more})


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def shown_by_app(secret: str, later: int = 0) -> str:
    return code_of(base64.b32decode(secret), step_at(datetime.now(UTC)) + later)


async def test_a_second_factor_from_its_beginning_to_its_end(
    client: httpx.AsyncClient, as_administrator: Headers, password: str
) -> None:
    async def post(path: str, **body: str) -> httpx.Response:
        return await client.post(f"{AUTH}/totp{path}", json=body, headers=as_administrator)

    begun = await post("", password=password)
    assert (begun.status_code, begun.headers["cache-control"]) == (200, "no-store")
    secret = begun.json()["secret"]
    assert begun.json()["otpauth_uri"] == f"otpauth://totp/ArtStore:admin?secret={secret}&issuer=ArtStore"
    assert told(await post("/disable", password="wrong")) == (401, "bad_credentials")
    confirmed = await post("/confirm", code=shown_by_app(secret, later=-1))
    assert (confirmed.status_code, confirmed.headers["cache-control"]) == (200, "no-store")
    codes = confirmed.json()["recovery_codes"]

    assert told(await login(client, password)) == (401, "totp_required")
    assert told(await login(client, password, code="000-000")) == (401, "totp_code_wrong")
    assert (await login(client, password, code=shown_by_app(secret))).status_code == 200
    assert (await login(client, password, code=codes[0])).status_code == 200
    me = (await client.get("/api/v1/administrators/admin", headers=as_administrator)).json()
    assert me["totp_enabled"] is True

    assert told(await post("", password=password, code=codes[1])) == (409, "totp_enabled")
    renewed = await post("/recovery-codes", password=password, code=codes[2])
    fresh = renewed.json()["recovery_codes"]
    assert (await post("/disable", password=password, code=fresh[0])).status_code == 204
    assert (await login(client, password)).status_code == 200
    assert told(await post("/recovery-codes", password=password)) == (409, "totp_not_enabled")


async def test_who_has_lost_it_is_helped(client: httpx.AsyncClient, as_administrator: Headers, password: str) -> None:
    path = "/api/v1/administrators"
    first = {"username": "helped", "roles": ["readonly"], "password": "eleven geese parade quietly"}
    await client.post(path, json=first, headers=as_administrator)
    assert told(await client.post(f"{path}/helped/reset-totp", headers=as_administrator)) == (409, "totp_not_enabled")
    change = {"username": "helped", "old_password": first["password"], "new_password": password}
    await client.post(f"{AUTH}/password", json=change)
    credentials = {"username": "helped", "password": password}
    token = (await client.post(f"{AUTH}/login", json=credentials)).json()["access_token"]
    own = {"Authorization": f"Bearer {token}"}
    secret = (await client.post(f"{AUTH}/totp", json={"password": password}, headers=own)).json()["secret"]
    confirmation = {"code": shown_by_app(secret)}
    assert (await client.post(f"{AUTH}/totp/confirm", json=confirmation, headers=own)).status_code == 200
    assert told(await client.post(f"{AUTH}/login", json=credentials)) == (401, "totp_required")
    assert (await client.post(f"{path}/helped/reset-totp", headers=as_administrator)).status_code == 204
    assert (await client.post(f"{AUTH}/login", json=credentials)).status_code == 200
    assert told(await client.post(f"{path}/admin/reset-totp", headers=as_administrator)) == (409, "own_account")


@pytest.mark.parametrize(
    ("path", "wrong"),
    [("", {}), ("", {"password": "x", "code": "1"}), ("/confirm", {"code": "12345"}), ("/disable", [])],
)
async def test_bodies_that_cannot_be(
    client: httpx.AsyncClient, as_administrator: Headers, path: str, wrong: object
) -> None:
    answer = await client.post(f"{AUTH}/totp{path}", json=wrong, headers=as_administrator)
    assert told(answer) == (422, "invalid_fields")
    assert told(await client.post(f"{AUTH}/totp{path}", json=wrong)) == (401, "not_authenticated")
