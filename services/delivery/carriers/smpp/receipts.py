"""Receipts: what a carrier says of a part, read loosely, since each carrier writes them its own way."""

import re
from datetime import UTC, datetime

from services.delivery.carriers.carrier import Receipt, ReceiptState
from services.delivery.carriers.ids import known_id
from services.delivery.carriers.smpp import addresses, codec, text
from services.delivery.carriers.smpp.options import Ids
from shared.contract import dates

# The kinds of a message (esm_class) that speak of another: a receipt, a phone's acknowledgement, and one on the way.
_KIND = 0x3C
_RECEIPT = 0x04
_PHONES = 0x08
_ON_THE_WAY = 0x20

_DELIVERED, _FAILED, _EXPIRED, _NOT_FINAL = (
    ReceiptState.DELIVERED, ReceiptState.FAILED, ReceiptState.EXPIRED, ReceiptState.INTERMEDIATE,
)  # fmt: skip
# Of a state that the carrier calls unknown nothing final can be said.
_NUMBERED = {2: _DELIVERED, 3: _EXPIRED, 4: _FAILED, 5: _FAILED, 8: _FAILED, 9: _FAILED}
_NAMED = {
    "DELIVRD": _DELIVERED, "DELIVERED": _DELIVERED, "EXPIRED": _EXPIRED, "DELETED": _FAILED, "UNDELIV": _FAILED,
    "UNDELIVERABLE": _FAILED, "UNDELIVERED": _FAILED, "REJECTD": _FAILED, "REJECTED": _FAILED, "FAILED": _FAILED,
    "SKIPPED": _FAILED,
}  # fmt: skip
_FIELD = re.compile(r"\b(id|stat|err|done[ _]?date)\s*:\s*([^\s:]*)(?!\S*:)", re.IGNORECASE)
_OWN_TEXT = re.compile(r"\btext\s*:", re.IGNORECASE)
# By how long they are, and for how many ms each stands.
_DATES = {10: ("%y%m%d%H%M", 60_000), 12: ("%y%m%d%H%M%S", 1000), 14: ("%Y%m%d%H%M%S", 1000)}
_LONGEST_REASON = 64
_HEX = re.compile(r"[0-9A-Fa-f]+\Z")
_DECIMAL = re.compile(r"[0-9]+\Z")
_CODE_OCTETS = 3
_REFERENCE_OCTETS = 2
# What is looked through for fields, whose pattern takes time with the square of a length.
_MOST_OCTETS = 1000


def is_receipt(deliver: codec.Deliver) -> bool:
    """Whether it speaks of a message that was sent; a text that only looks so was written by somebody."""
    kind = deliver.esm_class & _KIND
    # Some set more than one of the bits.
    return bool(kind & (_RECEIPT | _ON_THE_WAY)) or kind == _PHONES or codec.RECEIPTED_ID in deliver.options


def receipt(carrier: str, deliver: codec.Deliver, ids: Ids, *, numbers: bool) -> Receipt | None:
    """Read a receipt; none where it says of no message that it is about it."""
    octets, _ = text.body(deliver)
    fields = _fields(octets[:_MOST_OCTETS].decode("latin-1"))
    told = _c_text(deliver.options.get(codec.RECEIPTED_ID, b"")) or fields.get("id", "")
    if not told:
        return None
    stat = fields.get("stat", "")
    code = deliver.options.get(codec.MESSAGE_STATE, b"")
    on_the_way = deliver.esm_class & _KIND == _ON_THE_WAY
    state = _NUMBERED.get(code[0], _NOT_FINAL) if code else _NAMED.get(stat.upper(), _NOT_FINAL)
    return Receipt(
        carrier=carrier,
        carrier_id=receipt_id(told, ids),
        number=addresses.recipient(deliver.source) if numbers else None,
        state=_NOT_FINAL if on_the_way else state,
        reason=_reason(stat, code, fields.get("err", ""), deliver.options.get(codec.NETWORK_ERROR, b"")),
        at=_at(fields.get("done date", "")),
    )


def reference(deliver: codec.Deliver) -> int | None:
    """Return our own reference of the message, where the carrier gives it back."""
    told = deliver.options.get(codec.USER_REFERENCE, b"")
    return int.from_bytes(told, "big") if len(told) == _REFERENCE_OCTETS else None


def answer_id(told: str, ids: Ids) -> str:
    """Return the id of an answer as it is kept."""
    return _plain(told, ids, answered_in="hex_to_decimal")


def receipt_id(told: str, ids: Ids) -> str:
    """Return the id of a receipt as it is kept."""
    return _plain(told, ids, answered_in="decimal_to_hex")


def _plain(told: str, ids: Ids, *, answered_in: Ids) -> str:
    """Return an id, without case and leading zeros; one that is hexadecimal only here as a decimal number."""
    text = known_id(told)
    if ids == "same":
        return (text.lower().lstrip("0") or "0") if _HEX.match(text) else text
    if ids == answered_in:
        return str(int(text, 16)) if _HEX.match(text) else text
    return (text.lstrip("0") or "0") if _DECIMAL.match(text) else text


def _fields(told: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    # A message's own text stands last, and may look like fields.
    for name, value in _FIELD.findall(_OWN_TEXT.split(told, maxsplit=1)[0]):
        fields.setdefault(re.sub(r"done[ _]?date", "done date", name.lower()), value)
    return fields


def _c_text(octets: bytes) -> str:
    return octets.partition(b"\0")[0].decode("latin-1").strip()


def _reason(stat: str, code: bytes, err: str, network: bytes) -> str:
    if not err and len(network) == _CODE_OCTETS:
        err = str(int.from_bytes(network[1:], "big"))
    state = stat or (f"state {code[0]}" if code else "")
    return f"{state} {err}".strip()[:_LONGEST_REASON]


def _at(told: str) -> int:
    """Return when, in ms since 1970, taken for UTC; now where it says none or one that is still to come.

    Of a minute it is the last moment: the first one may be before the message.
    """
    now = dates.now()
    form, period = _DATES.get(len(told), ("", 0))
    if not form or not told.isascii() or not told.isdigit():
        return now
    try:
        at = round(datetime.strptime(told, form).replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        return now
    return min(at + period - 1, now) if at > 0 else now
