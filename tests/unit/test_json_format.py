"""JSON bodies to trees, and trees to bytes."""

import json
from typing import Any

import pytest

from services.gateway.formats import json_format
from shared.contract.scalars import NumberText, Unreadable


def nested(levels: int) -> bytes:
    """Return an object nested so deep, itself the first level."""
    return b'{"x":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


@pytest.mark.parametrize(
    ("body", "tree"),
    [
        (b' {"a": 1, "b": [true, null, "x"]} ', {"a": 1, "b": [True, None, "x"]}),
        (b"\xef\xbb\xbf{}", {}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'{"a": "\\ud800"}', {"a": "\ufffd"}),
        (b'{"a": ["x\\udc00\\ud83d\\ude00"]}', {"a": ["x\ufffd\U0001f600"]}),
        (b'{"a": "\\u0001"}', {"a": "\x01"}),
        (b'{"a": "\xfc"}', {"a": "\u00fc"}),
        (b'{"a": "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\"{{{"}', {"a": "[" * 40 + '"{{{'}),
    ],
)
def test_bodies(body: bytes, tree: dict[str, Any]) -> None:
    assert json_format.parse(body, None) == tree


@pytest.mark.parametrize(
    ("digits", "kind"),
    [
        ("12", int),
        ("18446744073709551615", int),
        ("18446744073709551616", NumberText),
        ("1.50", NumberText),
        ("1e3", NumberText),
        ("9" * 5000, NumberText),
    ],
)
@pytest.mark.parametrize("form", ['{"a": %s}', '{"x": [{"a": %s}]}'])
def test_numbers_are_kept_exactly(digits: str, kind: type[Any], form: str) -> None:
    tree = json_format.parse((form % digits).encode(), None)
    found = tree["a"] if "a" in tree else tree["x"][0]["a"]
    assert type(found) is kind
    assert str(found) == digits


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"1",
        b"1.5",
        b"null",
        b'"a"',
        b"{",
        b"{} {}",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1.5, "b": NaN}',
        b'{"a": "\n"}',
        b'{"a": 01}',
        nested(33),
        b'{"x":1,"x":' + b"[" * 32 + b"]" * 32 + b',"x":2}',
        b"[" * 1_000_000,
        b'{"a":"' + b'\\"[' * 300_000,
        b'{"a":' * 150_000,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_no_object_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        json_format.parse(body, None)


def test_nesting_ends_at_32() -> None:
    assert json_format.parse(nested(32), None) == json.loads(nested(32))
