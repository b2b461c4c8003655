"""Who a request is from: the peer, or what trusted proxies say; never what anybody else claims."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from hypothesis import given
from hypothesis import strategies as st

from artstore_kit import request_context
from artstore_kit.application import build_app
from artstore_kit.proxies import TrustedProxies, address_in, networks_in
from artstore_kit.rights import PUBLIC
from artstore_kit.settings import ServerSettings, ServiceSettings, WrongSettings, load
from artstore_kit.testing.tokens import TokenMint

PROXY, OTHER_PROXY, CALLER, FORGED = "10.0.0.2", "10.0.0.3", "198.51.100.7", "203.0.113.1"
OURS = "10.0.0.0/8, fd00::/8"
type Headers = Sequence[tuple[str, str]]


async def address_seen(mint: TokenMint, peer: str, headers: Headers, **server: Any) -> str:
    """What limits, entries and the access log name, when `peer` has sent these headers."""
    routes = APIRouter()

    @routes.get("/address", openapi_extra=PUBLIC)
    async def address() -> str:
        return request_context.address()

    @asynccontextmanager
    async def opened(_: object) -> AsyncIterator[None]:
        yield

    settings = ServiceSettings(server=ServerSettings(port=0, **server), tokens=mint.settings())
    app = build_app(
        "behind-proxies",
        settings=settings,
        open_services=opened,
        routers=[routes],
        checks=lambda _: [],
        issuer=lambda _: mint,
    )
    transport = httpx.ASGITransport(app, client=(peer, 4711))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://service.test") as client,
    ):
        answer = await client.get("/api/v1/address", headers=list(headers))
    return str(answer.json())


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded"])
async def test_nobody_is_believed_unless_it_is_set(mint: TokenMint, name: str) -> None:
    assert await address_seen(mint, PROXY, [(name, f"for={FORGED}" if name == "Forwarded" else FORGED)]) == PROXY


@pytest.mark.parametrize(
    ("peer", "told", "seen"),
    [
        pytest.param(PROXY, [CALLER], CALLER, id="the proxy names the caller"),
        pytest.param(PROXY, [f"{FORGED}, {CALLER}"], CALLER, id="what the caller claims stands on the left"),
        pytest.param(PROXY, [FORGED, CALLER], CALLER, id="in a line of its own"),
        pytest.param(PROXY, [f"{FORGED}, {CALLER}, {OTHER_PROXY}"], CALLER, id="through two proxies of ours"),
        pytest.param(PROXY, [f"{CALLER}, {PROXY}, {FORGED}"], FORGED, id="the last one that is not ours"),
        pytest.param(CALLER, [FORGED], CALLER, id="no proxy says it"),
        pytest.param(CALLER, [f"{FORGED}, {PROXY}"], CALLER, id="nor with the name of one"),
        pytest.param(PROXY, [f"{OTHER_PROXY}"], OTHER_PROXY, id="all are ours"),
        pytest.param(PROXY, [f"{FORGED}, unknown"], PROXY, id="a proxy does not tell"),
        pytest.param(PROXY, [f"{FORGED}, unknown, {OTHER_PROXY}"], OTHER_PROXY, id="the one before it does not tell"),
        pytest.param(PROXY, [f"{FORGED}, "], PROXY, id="an empty end"),
        pytest.param(PROXY, [], PROXY, id="no header"),
        pytest.param(PROXY, ["2001:db8::7"], "2001:db8::7", id="IPv6"),
        pytest.param(PROXY, [f"{CALLER}:4711"], CALLER, id="with a port"),
        pytest.param(f"::ffff:{PROXY}", [f"::ffff:{CALLER}"], CALLER, id="IPv4 at a socket for both"),
        pytest.param("fd00::2", [CALLER], CALLER, id="a proxy with an IPv6 address"),
        pytest.param(PROXY, [", ".join([FORGED] * 500 + [CALLER])], CALLER, id="a long header"),
    ],
)
async def test_the_rightmost_address_that_is_not_a_proxy_counts(
    mint: TokenMint, peer: str, told: Sequence[str], seen: str
) -> None:
    headers = [("X-Forwarded-For", value) for value in told]
    assert await address_seen(mint, peer, headers, trusted_proxies=OURS) == seen


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        pytest.param(f"for={CALLER};proto=https;by={PROXY}", CALLER, id="one hop"),
        pytest.param(f'for={FORGED}, for="{CALLER}:80";host=a.example', CALLER, id="quoted, with a port"),
        pytest.param('For="[2001:db8::7]:4711"', "2001:db8::7", id="IPv6 in brackets"),
        pytest.param(f"for={FORGED}, for=_hidden", PROXY, id="a hop that hides"),
        pytest.param(f"for={FORGED}, proto=https", PROXY, id="a hop without its for"),
        pytest.param(f'for={CALLER};host="a,for={FORGED}"', CALLER, id="a comma in quotes"),
        pytest.param(f'host="a;for={FORGED}";for={CALLER}', CALLER, id="a semicolon in quotes"),
        pytest.param(f'for={CALLER};host="a\\",for={FORGED};b=\\""', CALLER, id="a quotation mark in quotes"),
        pytest.param(f'for="{CALLER[:-1]}\\{CALLER[-1]}"', CALLER, id="a sign that is quoted without need"),
        pytest.param(f"for={FORGED}, for={CALLER}:80; proto=https", CALLER, id="a port without quotes, and a blank"),
        pytest.param(f"for={FORGED};for={CALLER}", PROXY, id="two in one hop"),
        pytest.param(f'x=", for={CALLER};host=",for={FORGED};y="', PROXY, id="a quotation mark that is left open"),
        pytest.param(f'for="{FORGED}"{CALLER}', PROXY, id="something behind the quotes"),
        pytest.param(f"for={FORGED},", PROXY, id="an empty end"),
        pytest.param("for=", PROXY, id="nothing"),
    ],
)
async def test_the_other_header_is_read_as_rfc_7239_says(mint: TokenMint, told: str, seen: str) -> None:
    set_so = {"trusted_proxies": OURS, "forwarded_header": "forwarded"}
    assert await address_seen(mint, PROXY, [("Forwarded", told)], **set_so) == seen


def sender(*forwarded: str) -> str:
    """Who has sent a request that came from the proxy with these lines."""
    headers = [(b"forwarded", line.encode("latin-1")) for line in forwarded]
    scope: dict[str, Any] = {"client": (PROXY, 4711), "headers": headers}
    TrustedProxies(networks_in(OURS), "forwarded").name_client(scope)
    return str(scope["client"][0])


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


ANYTHING = st.one_of(
    st.text(st.sampled_from("\t !~" + "".join(map(chr, range(0xA0, 0x100)))), max_size=9),
    st.lists(st.sampled_from(['"', "\\", ",", ";", "=", " ", "x", "for", f"for={FORGED}", FORGED])).map("".join),
)


@given(before=ANYTHING, behind=ANYTHING)
def test_whatever_stands_in_quotes_changes_nothing(before: str, behind: str) -> None:
    told = f"by={quoted(before)};for={CALLER};host={quoted(behind)}"
    assert sender(told) == sender(f"for={FORGED};host={quoted(before)}, {told}") == CALLER


@given(sent=ANYTHING, host=ANYTHING)
def test_whatever_a_caller_sends_names_nobody_else(sent: str, host: str) -> None:
    """What is not well-formed leaves the proxy; in a line of its own it does not matter."""
    told = f"for={CALLER};host={quoted(host)};proto=https"
    assert sender(f"{sent}, {told}") in {CALLER, PROXY}
    assert sender(sent, told) == CALLER


@pytest.mark.parametrize(("header", "forged"), [("x-forwarded-for", "Forwarded"), ("forwarded", "X-Forwarded-For")])
async def test_the_header_that_the_proxy_passes_on_as_it_came_is_not_believed(
    mint: TokenMint, header: str, forged: str
) -> None:
    written = {"X-Forwarded-For": CALLER, "Forwarded": f"for={CALLER}"}
    lie = {"X-Forwarded-For": FORGED, "Forwarded": f"for={FORGED}"}
    honest = next(name for name in written if name != forged)
    headers = [(forged, lie[forged]), (honest, written[honest])]
    assert await address_seen(mint, PROXY, headers, trusted_proxies=OURS, forwarded_header=header) == CALLER


@pytest.mark.parametrize("text", ["", "unknown", "_secret", "300.1.1.1", "1.2.3.4.5", "a:b:c", "\0", "1e3"])
def test_what_is_no_address_is_none(text: str) -> None:
    assert address_in(text) is None


def test_a_network_that_is_none_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTSTORE_SERVER__PORT", "8000")
    monkeypatch.setenv("ARTSTORE_TOKENS__ISSUER", "http://127.0.0.1:8000")
    monkeypatch.setenv("ARTSTORE_SERVER__TRUSTED_PROXIES", "10.0.0.1/8")
    with pytest.raises(WrongSettings, match=r"ARTSTORE_SERVER__TRUSTED_PROXIES: .*10\.0\.0\.1/8"):
        load(ServiceSettings)
