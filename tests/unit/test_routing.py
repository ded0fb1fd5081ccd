"""Routing: which carrier, and which one after it."""

from collections.abc import Collection
from itertools import cycle

import pytest

from services.delivery.routing import Route, Routes, Share

ROUTES = (
    Route("", None, (Share("any", 1),)),
    Route("43", None, (Share("near", 1), Share("far", 3)), ("last", "very-last")),
    Route("4369900", None, (Share("mobile", 1),)),
    Route("", "12345", (Share("short", 1),)),
    Route("43", "12345", (Share("short-near", 1),)),
)


@pytest.mark.parametrize(
    ("recipient", "sender", "carrier"),
    [
        ("15550000001", "436990000001", "any"),
        ("436990000001", "436990000002", "mobile"),
        ("4306990000001", "436990000002", "mobile"),
        ("15550000001", "12345", "short"),
        ("436990000001", "12345", "short-near"),
    ],
)
def test_a_sender_goes_before_a_prefix_and_a_longer_prefix_before_a_shorter_one(
    recipient: str, sender: str, carrier: str
) -> None:
    assert Routes(ROUTES).choose(recipient, sender, ()) == carrier


def test_a_route_is_shared_by_weight() -> None:
    chances = cycle([place / 100 for place in range(100)])
    routes = Routes(ROUTES, lambda: next(chances))
    chosen = [routes.choose("431", "1", ()) for _ in range(100)]
    assert (chosen.count("near"), chosen.count("far")) == (25, 75)


@pytest.mark.parametrize(
    ("tried", "carrier"),
    [
        (["near"], "far"),
        (["near", "far"], "last"),
        ({"near", "far", "last"}, "very-last"),
        (["near", "far", "last", "very-last"], None),
    ],
)
def test_the_fallback_comes_in_its_order_when_no_share_is_left(tried: Collection[str], carrier: str | None) -> None:
    assert Routes(ROUTES).choose("431", "1", tried) == carrier


def test_no_route_is_no_carrier() -> None:
    assert Routes(ROUTES[1:2]).choose("1555", "1", ()) is None
    assert Routes(()).choose("1555", "1", ()) is None


def test_a_chance_at_the_very_end_still_chooses() -> None:
    assert Routes(ROUTES, lambda: 1.0).choose("431", "1", ()) == "far"


def test_a_route_may_say_what_becomes_of_what_is_not_answered() -> None:
    routes = Routes([*ROUTES[:3], Route("", "12345", (Share("short", 1),), unknown="resend")])
    assert routes.unknown("436990000001", "12345") == "resend"
    assert routes.unknown("436990000001", "436990000002") is None
