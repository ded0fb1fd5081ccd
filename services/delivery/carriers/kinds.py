"""The kinds of carriers: a row for each, with what its table in the file may say and how it is made."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from services.delivery.carriers.carrier import Carrier
from services.delivery.carriers.console import Console
from services.delivery.carriers.hook_options import InboundHook, ReceiptHook
from services.delivery.carriers.http import Http
from services.delivery.carriers.http_options import HttpOptions
from services.delivery.carriers.options import ConsoleOptions, Options


class Kind(NamedTuple):
    """What reads the options of a kind; `make` takes the carrier's name, its options and where its receipts go."""

    options: type[Options]
    make: Callable[[str, Any, str], Carrier]


def _console(name: str, options: ConsoleOptions, _: str) -> Carrier:
    return Console(name, options.rate, options.window, unknown_policy=options.unknown)


def _http(name: str, options: HttpOptions, receipt_url: str) -> Carrier:
    return Http(name, options, receipt_url)


KINDS: Mapping[str, Kind] = {
    "console": Kind(ConsoleOptions, _console),
    "http": Kind(HttpOptions, _http),
}


def receipt_hook(options: Options) -> ReceiptHook | None:
    """Return how receipts of a carrier are read, or none where none come by HTTP."""
    return options.receipt if isinstance(options, HttpOptions) else None


def inbound_hook(options: Options) -> InboundHook | None:
    """Return how inbound messages of a carrier are read, or none where none come by HTTP."""
    return options.inbound if isinstance(options, HttpOptions) else None
