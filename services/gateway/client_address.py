"""The client's address: the peer, or the last hop that no trusted proxy is."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

Networks = tuple[IPv4Network | IPv6Network, ...]


def networks(texts: Iterable[str]) -> Networks:
    """Read the networks of trusted proxies; raises `ValueError`."""
    return tuple(ip_network(text, strict=False) for text in texts)


def client_address(peer: str, forwarded_for: str | None, trusted: Networks) -> str:
    """Return the address that limits count for; `forwarded_for` is the X-Forwarded-For header."""
    if not forwarded_for or not trusted:
        return peer
    address = peer
    for hop in reversed([part.strip() for part in forwarded_for.split(",")]):
        if not _is_trusted(address, trusted):
            break
        address = hop
    return address


def _is_trusted(address: str, trusted: Networks) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in trusted)
