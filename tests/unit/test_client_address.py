"""The client's address behind proxies that are trusted, and behind those that are not."""

import pytest

from services.gateway.client_address import client_address, networks

TRUSTED = networks(["192.0.2.0/24", "2001:db8::/32"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("198.51.100.7", None, "198.51.100.7"),
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),
        ("192.0.2.1", "203.0.113.9", "203.0.113.9"),
        ("192.0.2.1", "203.0.113.66, 203.0.113.9", "203.0.113.9"),
        ("192.0.2.1", "203.0.113.9, 192.0.2.2", "203.0.113.9"),
        ("2001:db8::1", "203.0.113.9", "203.0.113.9"),
        ("192.0.2.1", "192.0.2.3", "192.0.2.3"),
        ("::ffff:198.51.100.7", None, "198.51.100.7"),
        ("::ffff:192.0.2.1", "203.0.113.9", "203.0.113.9"),
        ("192.0.2.1", "203.0.113.66, ::ffff:203.0.113.9", "203.0.113.9"),
        ("192.0.2.1", "203.0.113.9:567", "203.0.113.9"),
        ("192.0.2.1", "203.0.113.9:567, 192.0.2.2:80", "203.0.113.9"),
        ("192.0.2.1", "[2001:db9::7]:567", "2001:db9::/64"),
        ("192.0.2.1", "[2001:DB9::7]", "2001:db9::/64"),
        ("192.0.2.1", "[2001:db8::2]:567, 192.0.2.2", "2001:db8::/64"),
        ("2001:db9:1:2:3:4:5:6", None, "2001:db9:1:2::/64"),
        ("192.0.2.1", "2001:db9:0::7", "2001:db9::/64"),
        ("192.0.2.1", "203.0.113.9, unknown, 192.0.2.2", "192.0.2.2"),
        ("192.0.2.1", "unknown", "192.0.2.1"),
        ("192.0.2.1", "203.0.113.9,", "192.0.2.1"),
        ("", "203.0.113.9", ""),
    ],
)
def test_the_last_untrusted_hop_counts(peer: str, forwarded: str | None, expected: str) -> None:
    assert client_address(peer, forwarded, TRUSTED) == expected


def test_without_trusted_proxies_the_peer_counts() -> None:
    assert client_address("192.0.2.1", "203.0.113.9", ()) == "192.0.2.1"


def test_a_trusted_network_of_mapped_addresses_is_the_ipv4_network() -> None:
    assert client_address("192.0.2.1", "203.0.113.9", networks(["::ffff:192.0.2.0/120"])) == "203.0.113.9"
