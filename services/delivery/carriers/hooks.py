"""Reading of what carriers bring: receipts and messages to our numbers, whatever is missing in them."""

import hashlib
import hmac
from collections.abc import Sequence

from services.delivery.carriers.calls import Call, Unreadable, items
from services.delivery.carriers.carrier import Inbound, Receipt, ReceiptState
from services.delivery.carriers.expressions import Expression
from services.delivery.carriers.hook_options import Hook, InboundHook, ReceiptHook
from services.delivery.carriers.ids import known_id
from shared.contract import dates

_LATEST_MS = 86_400_000
_SECONDS_BELOW = 10**11
_LONGEST_REASON = 64
_LONGEST_NUMBER = 64
# What carriers call the alphabet of GSM, which they hand on in UTF-8.
_CHARSETS = {"gsm": "utf-8", "gsm7": "utf-8", "binary": "latin-1", "ucs2": "utf-16-be", "ucs-2": "utf-16-be"}
_OCTETS = "latin-1"


def is_from_carrier(hook: Hook, call: Call) -> bool:
    """Whether a call has the carrier's secret; takes as long for any wrong one."""
    given = hook.secret_in.text_in(call.tree) or ""
    expected = hook.secret_prefix + hook.secret.get_secret_value()
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def receipts(carrier: str, hook: ReceiptHook, call: Call) -> Sequence[Receipt]:
    """Return the receipts of a call; raise `Unreadable` where one says not of which message it is."""
    return [_receipt(carrier, hook, each) for each in _several(hook, call)]


def inbounds(carrier: str, hook: InboundHook, call: Call) -> Sequence[Inbound]:
    """Return the messages of a call; raise `Unreadable` where one says not from whom and to whom it is."""
    return [_inbound(carrier, hook, each) for each in _several(hook, call)]


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
        return octets.encode(_OCTETS).decode(_CHARSETS.get(name, name)).replace("\0", "\ufffd")
    except (LookupError, UnicodeError):
        return _found(hook.text, call)


def _found(expression: Expression | None, call: Call) -> str:
    return (expression.text_in(call.tree) or "") if expression else ""


def _digits(text: str) -> str:
    """Return a number as digits; a sender with letters as it is."""
    short = text.strip()[:_LONGEST_NUMBER]
    if any(each.isalpha() for each in short):
        return short
    digits = "".join(each for each in short if each in "0123456789")
    return digits.removeprefix("00") if not short.startswith("+") else digits


def _at(text: str) -> int:
    """Return a time in ms: of seconds, ms or an ISO date; now where it says none, or one that is still to come."""
    now = dates.now()
    try:
        number = float(text) if text.replace(".", "", 1).isdigit() else None
        at = dates.from_iso(text) if number is None else int(number * 1000 if number < _SECONDS_BELOW else number)
    except (ValueError, OverflowError):
        return now
    return at if 0 < at <= now + _LATEST_MS else now
