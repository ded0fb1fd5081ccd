"""How many messages one answer holds."""

from typing import Any
from xml.sax.saxutils import escape

import orjson
import pytest

from shared.mailbox.rules import fitting

LIMIT = 400_000
BODIES = {
    "plain": "plain " * 2000,
    "markup": '"&<>' * 1000,
    "controls": "\x01\r\n" * 2000,
    "mixed": "\x01&" * 2000,
    "emoji": "\U0001f600" * 3000,
    "umlauts": "\u00fc" * 6000,
    "noncharacters": "\uffff" * 4000,
}


def _message(body: str) -> dict[str, Any]:
    return {
        "messageId": 2_147_483_647, "address": "Fake & Shop", "message": body, "incoming": True,
        "read": False, "locked": False, "origin": -2_147_483_648, "status": 0,
        "dateSent": -62_135_596_800_000, "dateStatus": 253_402_300_799_999,
    }  # fmt: skip


def _xml(message: dict[str, Any]) -> str:
    """Write a message with the longest escapes that a writer may choose."""
    longest = {"\r": "&#13;", "\n": "&#10;", '"': "&quot;", "\x01": "\ufffd", "\uffff": "\ufffd"}
    dates = {"dateSent": "2013-05-07T17:30:13.123Z", "dateStatus": "2013-05-07T17:30:13.123Z"}
    fields = (f"<{key}>{escape(str(value), longest)}</{key}>" for key, value in (message | dates).items())
    return f"<messages>{''.join(fields)}</messages>"


def _octets(messages: list[dict[str, Any]]) -> int:
    json = len(orjson.dumps({"errorCode": 0, "messages": messages}))
    return max(json, sum(len(_xml(message).encode()) for message in messages) + 200)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_page_ends_before_the_limit_and_not_much_before(body: str) -> None:
    messages = [_message(body)] * 100
    kept = messages[: len(fitting(messages, LIMIT))]
    assert 0 < len(kept) < 100
    assert _octets(kept) <= LIMIT
    assert _octets(messages[: len(kept) + 5]) > LIMIT


def test_a_small_page_is_whole() -> None:
    messages = [_message("short")] * 10
    assert fitting(messages, LIMIT) is messages
    assert fitting([], LIMIT) == []


def test_the_cheap_bound_does_not_cut_a_page_that_fits() -> None:
    messages = [_message("x" * 20_000)] * 19
    assert list(fitting(messages, LIMIT)) == messages
