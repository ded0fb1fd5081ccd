"""Routing: which carrier takes a message, by the recipient's number and the sender."""

import random
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from services.delivery.carriers.carrier import UnknownPolicy
from services.delivery.numbers import canonical


class Share(NamedTuple):
    """A carrier, and how much of a route it takes beside the others."""

    carrier: str
    weight: float


class Route(NamedTuple):
    """Carriers for numbers that begin with `prefix`, and for one sender only where one is named.

    `fallback` are tried in their order, when none of `shares` is left. `unknown` is what becomes of a message that is
    not answered, where it is not what its carrier says.
    """

    prefix: str
    sender: str | None
    shares: tuple[Share, ...]
    fallback: tuple[str, ...] = ()
    unknown: UnknownPolicy | None = None


class Routes:
    """The routes; one that names the sender goes before others, then the one with the longest prefix."""

    def __init__(self, routes: Sequence[Route], chance: Callable[[], float] = random.random) -> None:
        self._routes = sorted(routes, key=lambda route: (route.sender is None, -len(route.prefix)))
        self._chance = chance

    def choose(self, recipient: str, sender: str, tried: Collection[str]) -> str | None:
        """Return the carrier for digits and a sender, none of those that were tried; none where no one is left."""
        route = self._route(recipient, sender)
        return self._of(route, tried) if route else None

    def unknown(self, recipient: str, sender: str) -> UnknownPolicy | None:
        """Return what becomes of a message of that route that is not answered, or none where its carrier says it."""
        route = self._route(recipient, sender)
        return route.unknown if route else None

    def _route(self, recipient: str, sender: str) -> Route | None:
        number = canonical(recipient)
        for route in self._routes:
            if number.startswith(route.prefix) and route.sender in {None, sender}:
                return route
        return None

    def _of(self, route: Route, tried: Collection[str]) -> str | None:
        shares = [share for share in route.shares if share.carrier not in tried]
        if shares:
            return self._drawn(shares)
        return next((carrier for carrier in route.fallback if carrier not in tried), None)

    def _drawn(self, shares: Sequence[Share]) -> str:
        place = self._chance() * sum(share.weight for share in shares)
        for share in shares:
            place -= share.weight
            if place < 0:
                return share.carrier
        return shares[-1].carrier
