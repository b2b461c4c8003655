"""Where a request comes from when proxies that are trusted stand in front: what others claim is never believed."""

import re
from collections.abc import MutableMapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

type Network = IPv4Network | IPv6Network
type Address = IPv4Address | IPv6Address

FORWARDED = "forwarded"
MOST_HOPS = 32
"""Nearer ones than that many are enough for any fleet; a header may be long."""
_IPV6_NETWORK_BITS = 64


class TrustedProxies:
    """Believes one header, and of that what trusted proxies have added: the rightmost address that is not theirs.

    A proxy adds to one of the two headers and passes the other on as it came: to believe both would be to believe
    anybody.
    """

    def __init__(self, networks: Sequence[Network], header: str) -> None:
        self._networks = networks
        self._header = header.encode()
        self._hops = _forwarded if header == FORWARDED else _x_forwarded_for

    def name_client(self, scope: MutableMapping[str, Any]) -> None:
        """Put into `scope` who has sent the request to the first of the trusted proxies."""
        client = scope.get("client")
        peer = address_in(client[0]) if client else None
        if peer is None or not self._trusts(peer):
            return
        lines = [value.decode("latin-1") for name, value in scope["headers"] if name == self._header]
        scope["client"] = (str(self._sender(peer, [hop for line in lines for hop in self._hops(line)])), 0)

    def _sender(self, peer: Address, hops: Sequence[str]) -> Address:
        """What a proxy says that is no address (`unknown`, a name) leaves the proxy itself."""
        nearest = peer
        for hop in reversed(hops[-MOST_HOPS:]):
            said = address_in(hop)
            if said is None:
                break
            nearest = said
            if not self._trusts(said):
                break
        return nearest

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def networks_in(text: str) -> list[Network]:
    """Networks parted by commas; `ValueError` for what is none, and for one with bits beside its mask."""
    return [ip_network(each.strip()) for each in text.split(",") if each.strip()]


def address_in(text: str) -> Address | None:
    """The address in `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`, with or without quotes."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """An IPv4 address, or the network of an IPv6 address: whoever has one of these has all of it (RFC 6177)."""
    parsed = address_in(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Address(int(parsed) >> _IPV6_NETWORK_BITS << _IPV6_NETWORK_BITS))
    return str(parsed or address)


def _x_forwarded_for(line: str) -> Sequence[str]:
    return line.split(",")


def _forwarded(line: str) -> Sequence[str]:
    """The `for` of each element (RFC 7239 section 4). One without it, or with two, is a hop that says nothing.

    So is a line that is not well-formed, as a whole: nobody knows where in it the words of a proxy begin.
    """
    hops, named, at = list[str](), list[str](), 0
    while pair := _PAIR.match(line, at):
        name, token, quoted, end = pair.groups()
        if name and name.lower() == "for":
            named.append(token or _QUOTED_PAIR.sub(r"\1", quoted))
        if end != ";":
            hops.append(named.pop() if len(named) == 1 else "")
            named.clear()
        if not end:
            return hops
        at = pair.end()
    return [""]


_QUOTED_PAIR = re.compile(r"\\(.)")
_PAIR = re.compile(
    r"[ \t]*(?:([!#$%&'*+\-.^_`|~0-9A-Za-z]+)="
    r"(?:([!#$%&'*+\-.^_`|~0-9A-Za-z:\[\]]+)|"  # not all proxies quote an address with a port
    r'"([^"\\]*(?:\\.[^"\\]*)*)"))?[ \t]*(;|,|\Z)'  # RFC 9110 section 5.6.4
)
