"""The first administrator comes with the password of the settings, and must change it."""

import httpx

from admin_module.config import Settings
from admin_module.main import create_app
from artstore_kit.testing.application import open_client

AUTH = "/api/v1/auth"
ANOTHER = "seven otters juggle lanterns"


async def login(client: httpx.AsyncClient, password: str) -> httpx.Response:
    return await client.post(f"{AUTH}/login", json={"username": "admin", "password": password})


async def test_the_first_administrator_must_change_the_password(settings: Settings, first_password: str) -> None:
    async with open_client(create_app(settings)) as client:
        answer = await login(client, first_password)
        assert (answer.status_code, answer.json()["code"]) == (403, "password_change_required")
        assert "POST /api/v1/auth/password" in answer.json()["detail"]

        change = {"username": "admin", "old_password": first_password, "new_password": ANOTHER}
        assert (await client.post(f"{AUTH}/password", json=change)).status_code == 204
        assert (await login(client, ANOTHER)).status_code == 200
        assert (await login(client, first_password)).json()["code"] == "bad_credentials"
