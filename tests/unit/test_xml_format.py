"""XML bodies to trees, and trees to bytes."""

from typing import Any
from xml.etree import ElementTree as ET

import pytest

from services.gateway.formats import xml_format, xml_writing
from shared.contract.messages import UserMessageGetMessagesResponse, UserMessageMessage
from shared.contract.scalars import Unreadable
from shared.contract.sync import UserMessageSyncResponse
from shared.contract.writing import reply_tree


def nested(levels: int) -> bytes:
    return b"<r>" + b"<a>" * (levels - 1) + b"</a>" * (levels - 1) + b"</r>"


@pytest.mark.parametrize(
    ("body", "tree"),
    [
        ("<r/>", {}),
        ("\ufeff<r><a>1</a> <b/> <a>2</a></r>", {"a": ["1", "2"], "b": [""]}),
        ("<r><a><b>x</b> <c/></a></r>", {"a": [{"b": ["x"], "c": [""]}]}),
        ("<r x='1'><!-- c --><?p i?><a y='2'>1<!-- c -->2<?p i?>3</a></r>", {"a": ["123"]}),
        ("<r><a>&lt;&amp;&#13;&#x1F600;<![CDATA[<b>]]></a></r>", {"a": ["<&\r\U0001f600<b>"]}),
        ("<r><a>1\r\n2</a></r>", {"a": ["1\n2"]}),
        ("<r xmlns:n='urn:n'><n:a>1</n:a><a>2</a></r>", {"urn:n a": ["1"], "a": ["2"]}),
        ("<?xml version='1.0' encoding='utf-8'?><r/>", {}),
    ],
)
def test_bodies(body: str, tree: dict[str, Any]) -> None:
    assert xml_format.parse(body.encode(), None, "r") == tree
    assert xml_format.parse(body.removeprefix("\ufeff").encode("utf-16"), None, "r") == tree


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"text",
        b"<r>",
        b"<r/><r/>",
        b"<other/>",
        b"<R/>",
        b"<r xmlns='urn:n'/>",
        b"<n:r xmlns:n='urn:n'/>",
        b"<n:r/>",
        b"<!DOCTYPE r><r/>",
        b"<!DOCTYPE r SYSTEM 'file:///etc/hostname'><r/>",
        b"<!DOCTYPE r [<!ENTITY e SYSTEM 'file:///etc/hostname'>]><r><a>&e;</a></r>",
        b"<!DOCTYPE r [<!ENTITY a 'aa'><!ENTITY b '&a;&a;'>]><r>&b;</r>",
        b"<!DOCTYPE r [<!ENTITY % p SYSTEM 'http://localhost/'>%p;]><r/>",
        b"<r>&unknown;</r>",
        b"<r>&#0;</r>",
        b"<r>&#1;</r>",
        b"<r>\0</r>",
        b"<r>\x01</r>",
        b"<r>&#xFFFE;</r>",
        "<r>\uffff</r>".encode(),
        b"<r>&#xD800;</r>",
        b"<r><a></b></r>",
        nested(33),
        b"<r><n:x xmlns:n='urn:n'>" + b"<a>" * 32 + b"</a>" * 32 + b"</n:x></r>",
        b"<r>" + b"<a>" * 300_000,
    ],
    ids=lambda body: repr(body[:40]),
)
def test_attacks_and_nonsense_are_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        xml_format.parse(body, None, "r")


def test_nesting_ends_at_32() -> None:
    assert xml_format.parse(nested(32), None, "r") != {}


def test_a_long_text_in_many_pieces_is_one() -> None:
    body = b"<r><a>" + b"x&lt;\n" * 100_000 + b"</a></r>"
    assert xml_format.parse(body, None, "r") == {"a": ["x<\n" * 100_000]}


MESSAGE = UserMessageMessage(1, "+436990000001", "a<b>&\"'\r\n\t\x00\ud800\ufffe", True, False, False, 0, 2, 0, None)


def test_answers_are_written_in_order_without_what_is_absent() -> None:
    cls = UserMessageGetMessagesResponse
    written = xml_writing.write("r", cls, reply_tree(cls((MESSAGE,))))
    assert (
        written
        == (
            '<?xml version="1.0" encoding="UTF-8"?>\n<r><errorCode>0</errorCode><messages><messageId>1</messageId>'
            "<address>+436990000001</address><message>a&lt;b&gt;&amp;\"'&#13;\n\t\ufffd\ufffd\ufffd</message>"
            "<incoming>true</incoming><read>false</read><locked>false</locked><origin>0</origin><status>2</status>"
            "<dateSent>1970-01-01T00:00:00.000Z</dateSent></messages></r>"
        ).encode()
    )
    assert ET.fromstring(written).tag == "r"


def test_faults_empty_lists_and_unknown_keys_have_no_elements() -> None:
    head = b'<?xml version="1.0" encoding="UTF-8"?>\n<r><errorCode>'
    assert xml_writing.write("r", UserMessageSyncResponse, {"errorCode": 2}) == head + b"2</errorCode></r>"
    tree = {"errorCode": 0, "syncs": [], "later": 1}
    assert xml_writing.write("r", UserMessageSyncResponse, tree) == head + b"0</errorCode></r>"
