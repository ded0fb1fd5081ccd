"""The client's address: the peer, or the last hop that no trusted proxy is."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Networks = tuple[IPv4Network | IPv6Network, ...]

_MAPPED_BITS = 96
_CLIENT_BITS = 64


def networks(texts: Iterable[str]) -> Networks:
    """Read the networks of trusted proxies; raises `ValueError`."""
    return tuple(_unmapped(ip_network(text, strict=False)) for text in texts)


def client_address(peer: str, forwarded_for: str | None, trusted: Networks) -> str:
    """Return the address that limits count for; `forwarded_for` is the X-Forwarded-For header.

    Of IPv6 it is the network, `2001:db8::/64`: a client has one, with addresses without end.
    An IPv4 address within IPv6 is the IPv4 address, and a port does not count. A hop that is no address ends the list.
    """
    address = _address(peer)
    if address is None:
        return peer
    if forwarded_for and trusted:
        for hop in reversed(forwarded_for.split(",")):
            found = _address(hop)
            if found is None or not any(address in network for network in trusted):
                break
            address = found
    return str(IPv6Network((address, _CLIENT_BITS), strict=False) if isinstance(address, IPv6Address) else address)


@lru_cache(maxsize=4096)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Read `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def _unmapped(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    mapped = isinstance(network, IPv6Network) and network.network_address.ipv4_mapped
    if mapped and network.prefixlen >= _MAPPED_BITS:
        return IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))
    return network
