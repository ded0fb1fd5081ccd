"""The kinds of carriers: a row for each, with what its table in the file may say and how it is made."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from services.delivery.carriers.carrier import Carrier
from services.delivery.carriers.console import Console
from services.delivery.carriers.hook_options import InboundHook, ReceiptHook
from services.delivery.carriers.http import Http
from services.delivery.carriers.http_options import HttpOptions
from services.delivery.carriers.options import ConsoleOptions, Options
from services.delivery.carriers.place import Place
from services.delivery.carriers.smpp.carrier import Smpp
from services.delivery.carriers.smpp.options import SmppOptions


class Kind(NamedTuple):
    """What reads the options of a kind and makes a carrier of them; the hooks read what comes by HTTP, if any does.

    Receipts may come another way: `gives_receipts` says whether any are awaited.
    """

    options: type[Options]
    make: Callable[[str, Any, Place], Carrier]
    receipt_hook: Callable[[Any], ReceiptHook | None]
    inbound_hook: Callable[[Any], InboundHook | None]
    gives_receipts: Callable[[Any], bool]


def _console(name: str, options: ConsoleOptions, _: Place) -> Carrier:
    return Console(name, options.rate, options.window)


def _http(name: str, options: HttpOptions, place: Place) -> Carrier:
    return Http(name, options, place)


def _smpp(name: str, options: SmppOptions, place: Place) -> Carrier:
    carrier = Smpp(name, options, place)
    carrier.start()
    return carrier


def _never(_: Options) -> bool:
    return False


def _asks_for_receipts(options: SmppOptions) -> bool:
    return options.gives_receipts


def _no_hook(_: Options) -> None:
    return None


def _http_receipts(options: HttpOptions) -> ReceiptHook | None:
    return options.receipt


def _has_receipt_hook(options: HttpOptions) -> bool:
    return options.receipt is not None


def _http_inbound(options: HttpOptions) -> InboundHook | None:
    return options.inbound


KINDS: Mapping[str, Kind] = {
    "console": Kind(ConsoleOptions, _console, _no_hook, _no_hook, _never),
    "http": Kind(HttpOptions, _http, _http_receipts, _http_inbound, _has_receipt_hook),
    "smpp": Kind(SmppOptions, _smpp, _no_hook, _no_hook, _asks_for_receipts),
}


def receipt_hook(options: Options) -> ReceiptHook | None:
    """Return how receipts of a carrier are read, or none where none come by HTTP."""
    return KINDS[options.kind].receipt_hook(options)


def inbound_hook(options: Options) -> InboundHook | None:
    """Return how inbound messages of a carrier are read, or none where none come by HTTP."""
    return KINDS[options.kind].inbound_hook(options)


def gives_receipts(options: Options) -> bool:
    """Return whether receipts of a carrier are awaited."""
    return KINDS[options.kind].gives_receipts(options)
