"""Reading of what carriers bring: receipts and messages to our numbers, whatever is missing in them."""

import codecs
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from services.delivery.carriers.calls import Call, Unreadable, items
from services.delivery.carriers.carrier import Inbound, Receipt, ReceiptState
from services.delivery.carriers.expressions import Expression
from services.delivery.carriers.hook_options import Hook, InboundHook, ReceiptHook
from services.delivery.carriers.ids import known_id
from services.delivery.numbers import canonical
from shared.contract import dates

_LATEST_MS = 86_400_000
_SECONDS_BELOW = 10**11
_LONGEST_REASON = 64
_LONGEST_NUMBER = 64
# What carriers call the alphabet of GSM, which they hand on in UTF-8.
_CHARSETS = {"gsm": "utf-8", "gsm7": "utf-8", "binary": "latin-1", "ucs2": "utf-16-be", "ucs-2": "utf-16-be"}
# Python knows more codecs, of which some are no charsets and some take long.
_CODECS = frozenset({"ascii", "cp1252", "iso8859-1", "iso8859-15", "utf-16", "utf-16-be", "utf-16-le", "utf-8"})
_OCTETS = "latin-1"
_BODY = re.compile(r"\b(form|json)\b")


class Brought(NamedTuple):
    """What a call brings, and how many more things that could not be read."""

    things: Sequence[Receipt | Inbound]
    unreadable: int


def is_secret_outside(hook: Hook) -> bool:
    """Whether the secret stands in the query or the headers, so that it can be looked at before a body is read."""
    return not _BODY.search(hook.secret_in.text)


def is_from_carrier(hook: Hook, call: Call) -> bool:
    """Whether a call has the carrier's secret; takes as long for any wrong one."""
    given = hook.secret_in.text_in(call.tree) or ""
    expected = hook.secret_prefix + hook.secret.get_secret_value()
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def receipts(carrier: str, hook: ReceiptHook, call: Call) -> Brought:
    """Return the receipts of a call; raise `Unreadable` where none says of which message it is."""
    return _brought(lambda each: _receipt(carrier, hook, each), _several(hook, call))


def inbounds(carrier: str, hook: InboundHook, call: Call) -> Brought:
    """Return the messages of a call; raise `Unreadable` where none says from whom and to whom it is."""
    return _brought(lambda each: _inbound(carrier, hook, each), _several(hook, call))


def _brought(read: Callable[[Call], Receipt | Inbound], calls: Sequence[Call]) -> Brought:
    """Read each; one that cannot be read is no reason to lose the others."""
    things: list[Receipt | Inbound] = []
    errors: list[Unreadable] = []
    for each in calls:
        try:
            things.append(read(each))
        except Unreadable as error:
            errors.append(error)
    if errors and not things:
        raise errors[0]
    return Brought(things, len(errors))


def _several(hook: Hook, call: Call) -> Sequence[Call]:
    if hook.items is None:
        return [call]
    found = hook.items.find(call.tree)
    if not isinstance(found, list):
        raise Unreadable("no items")
    return list(items(call, found))


def _receipt(carrier: str, hook: ReceiptHook, call: Call) -> Receipt:
    carrier_id = known_id(hook.id.text_in(call.tree) or "")
    if not carrier_id:
        raise Unreadable("no id")
    state = (hook.state.text_in(call.tree) or "").lower()
    reason = _found(hook.reason, call)[:_LONGEST_REASON]
    number = _digits(_found(hook.number, call))
    return Receipt(
        carrier=carrier,
        carrier_id=carrier_id,
        number=number or None,
        state=hook.states.get(state, ReceiptState.INTERMEDIATE),
        reason=reason or state[:_LONGEST_REASON],
        at=_at(_found(hook.at, call)),
    )


def _inbound(carrier: str, hook: InboundHook, call: Call) -> Inbound:
    sender = _digits(_found(hook.sender, call))
    destination = _digits(_found(hook.destination, call))
    if not sender or not destination:
        raise Unreadable("no sender" if not sender else "no destination")
    text = _message_text(hook, call)
    at = _found(hook.at, call)
    inbound_id = known_id(_found(hook.id, call)) or _made_id(sender, destination, text, at)
    return Inbound(carrier, inbound_id, sender, destination, text, _at(at))


def _made_id(sender: str, destination: str, text: str, at: str) -> str:
    if not at:
        raise Unreadable("no id")
    told = f"{sender}\0{destination}\0{at}\0{text}"
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()


def _message_text(hook: InboundHook, call: Call) -> str:
    name = _found(hook.charset, call).lower()
    if not name:
        return _found(hook.text, call)
    octets = str(hook.text.find(call.octets) or "")
    try:
        codec = codecs.lookup(_CHARSETS.get(name, name)).name
        if codec not in _CODECS:
            return _found(hook.text, call)
        return octets.encode(_OCTETS).decode(codec).replace("\0", "\ufffd")
    except (LookupError, UnicodeError):
        return _found(hook.text, call)


def _found(expression: Expression | None, call: Call) -> str:
    return (expression.text_in(call.tree) or "") if expression else ""


def _digits(text: str) -> str:
    """Return a number as digits, in its one form; a sender with letters as it is."""
    short = text.strip()[:_LONGEST_NUMBER]
    if any(each.isalpha() for each in short):
        return short
    digits = "".join(each for each in short if each in "0123456789")
    return canonical(digits if short.startswith("+") else digits.removeprefix("00"))


def _at(text: str) -> int:
    """Return a time in ms: of seconds, ms or an ISO date; now where it says none, or one that is still to come."""
    now = dates.now()
    try:
        number = float(text) if text.replace(".", "", 1).isdigit() else None
        at = dates.from_iso(text) if number is None else int(number * 1000 if number < _SECONDS_BELOW else number)
    except (ValueError, OverflowError):
        return now
    return at if 0 < at <= now + _LATEST_MS else now
