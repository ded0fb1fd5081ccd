"""The formats of requests and answers, from headers."""

import pytest

from services.gateway.formats import media
from services.gateway.formats.charsets import UnknownCharset
from services.gateway.formats.format import Format
from services.gateway.formats.negotiation import (
    Negotiated,
    NotAcceptable,
    UnsupportedMedia,
    charset_of,
    negotiate,
    request_format,
    response_format,
)
from shared.contract.scalars import Unreadable

J, X = Format.JSON, Format.XML
JDK = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/json", b"<", J),
        ("Application/JSON ; charset=utf-8", b"<", J),
        ("application/xml", b"{", X),
        ("text/xml;charset=utf-8", b"{", X),
        (None, b" \r\n\t{", J),
        ("", b"<", X),
        ("text/plain", b"\xef\xbb\xbf{", J),
        ("text/json", b" " * 1000 + b"<", X),
        (None, "<r/>".encode("utf-16"), X),
        (None, "<r/>".encode("utf-16-be"), X),
    ],
)
def test_request_formats(content_type: str | None, body: bytes, expected: Format) -> None:
    assert request_format(content_type, body) is expected


@pytest.mark.parametrize("content_type", [None, "application/json", "text/html"])
@pytest.mark.parametrize("body", [b"", b" \r\n", b"\xef\xbb\xbf"])
def test_an_empty_body_is_unreadable(content_type: str | None, body: bytes) -> None:
    with pytest.raises(Unreadable):
        request_format(content_type, body)


@pytest.mark.parametrize("body", [b"apiKey=x", b"[]", b"x"])
def test_other_bodies_are_unsupported(body: bytes) -> None:
    with pytest.raises(UnsupportedMedia):
        request_format("application/octet-stream", body)


@pytest.mark.parametrize(
    ("accept", "for_json", "for_xml"),
    [
        (None, J, X),
        ("", J, X),
        ("*/*", J, X),
        ("*", J, X),
        ("application/*", J, X),
        ("application/json", J, J),
        ("APPLICATION/JSON; charset=utf-8", J, J),
        ("application/xml", X, X),
        ("text/xml", X, X),
        ("text/*", X, X),
        ("application/json, application/xml", J, X),
        ("application/json;q=0.5, text/xml;q=0.6", X, X),
        ("application/json;q=0.5, text/xml; Q=.4", J, J),
        ("application/xml;q=0.5, */*", J, J),
        ("application/json;q=0, */*;q=0.1", X, X),
        ("application/*;q=0.2, application/json;q=0.1", X, X),
        ("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", X, X),
        (JDK, J, X),
        ("nonsense", J, X),
        ("application/json;q=2", J, X),
        ("application/json;q=x, text/xml;q=0.1", X, X),
        ('application/json;x="a,text/html;q=0", text/xml;q=0.1', J, J),
        (",, ,application/json,", J, J),
        ("*/json", J, X),
    ],
)
def test_answers_on_rest(accept: str | None, for_json: Format, for_xml: Format) -> None:
    assert response_format("rest", accept, J) is for_json
    assert response_format("rest", accept, X) is for_xml


@pytest.mark.parametrize(
    "accept", ["text/html", "image/*", "*/*;q=0", "application/json;q=0", "application/json;q=0.000, nonsense"]
)
def test_not_acceptable_is_only_on_rest(accept: str) -> None:
    with pytest.raises(NotAcceptable):
        response_format("rest", accept, J)
    assert response_format("json", accept, X) is J
    assert response_format("xml", accept, J) is X


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        (None, None),
        ("application/json", None),
        ("application/json; charset=utf-8", "utf-8"),
        ('application/json; x="a;charset=b"; Charset="Latin\\-1"', "Latin-1"),
        ("application/json; charset=", None),
        ("application/json; charset", None),
        ("application/json; charset=a; charset=b", "a"),
        ('application/json; charset="a', "a"),
    ],
)
def test_charsets(content_type: str | None, charset: str | None) -> None:
    assert charset_of(content_type) == charset


def test_faults_come_in_their_order() -> None:
    with pytest.raises(UnsupportedMedia):
        negotiate("rest", None, "text/html", b"x")
    with pytest.raises(UnknownCharset):
        negotiate("rest", "text/xml; charset=koi8-r", "text/html", b"<")
    with pytest.raises(NotAcceptable):
        negotiate("rest", "text/xml", "text/html", b"")
    with pytest.raises(Unreadable):
        negotiate("rest", "text/xml", "*/*", b"")
    assert negotiate("rest", "text/xml; charset=utf-8", JDK, b"<") == Negotiated(X, X, "utf-8")


def test_a_header_of_quotes_is_read_in_no_time() -> None:
    assert media.accepted('"' * 8000 + "\\") == {}
    assert media.accepted('a/b;x="\\' * 1000) == {"a/b": 1.0}
