"""Envelopes come back as they went out, and what is none is refused."""

import pytest

from shared.bus.envelope import (
    Command,
    EnvelopeError,
    Reply,
    pack_commands,
    pack_replies,
    unpack_commands,
    unpack_replies,
)
from shared.contract.operation import Identity

COMMANDS = [
    Command(1, "message.insert", 5000, Identity(7, 3, 436990000001), "t1", {"address": "+436990000002"}, "key 1"),
    Command(2, "message.delete", 4000, Identity(8, 3, None), "t2", {"messageId": 5}),
]
REPLIES = [Reply(1, 0, b'{"errorCode":0,"messageId":1}'), Reply(2, 99, b""), Reply(3, 0, b'{"a":"\\n"}')]


def test_commands_come_back() -> None:
    assert unpack_commands(pack_commands(COMMANDS)) == COMMANDS


def test_replies_come_back() -> None:
    assert unpack_replies(pack_replies(REPLIES)) == REPLIES


def test_unknown_fields_of_a_newer_version_are_ignored() -> None:
    body = b'{"version":1,"commands":[[1,"o",5,7,3,null,"t",{},"key","new"]],"more":1}'
    assert unpack_commands(body) == [Command(1, "o", 5, Identity(7, 3, None), "t", {}, "key")]


def test_a_command_of_an_older_version_has_no_key() -> None:
    body = b'{"version":1,"commands":[[1,"o",5,7,3,null,"t",{}]]}'
    assert unpack_commands(body) == [Command(1, "o", 5, Identity(7, 3, None), "t", {}, None)]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"version":2,"commands":[]}', b'{"version":1}', b'{"version":1,"commands":[[1]]}']
)
def test_what_is_no_envelope_is_refused(body: bytes) -> None:
    with pytest.raises(EnvelopeError):
        unpack_commands(body)
    with pytest.raises(EnvelopeError):
        unpack_replies(body)
