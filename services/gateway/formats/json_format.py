"""JSON bodies: bytes to the tree that the contract's reading takes."""

import json
import re
from typing import Any

import orjson

from services.gateway.formats import charsets
from services.gateway.formats.format import Format
from shared.contract.scalars import NumberText, Unreadable

DEPTH_LIMIT = 32
_BRACKETS = bytes.maketrans(b"[]", b"{}")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
# An open string runs to the end: without that, each of its quotes would be tried as a start.
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_EXACT_DIGITS = 18
_Tree = dict[str, Any]


def parse(body: bytes, charset: str | None) -> _Tree:
    """Return the object of a body; numbers that are no 64-bit integers come as `NumberText`.

    Raises `Unreadable` (HTTP 400) and `UnknownCharset` (HTTP 415).
    """
    text = charsets.decode(body, charset, Format.JSON)
    if _too_deep(body):
        raise Unreadable("nested too deep")
    tree = _fast(text)
    if tree is None:
        tree = _exact(text)
    if type(tree) is not dict:
        raise Unreadable("not an object")
    return tree


def _too_deep(body: bytes) -> bool:
    # Every charset of JSON has ASCII's brackets and quotes. A tree would not show a key's first value.
    if body.count(b"{") + body.count(b"[") <= DEPTH_LIMIT:
        return False
    nest = _STRING.sub(b"", body).translate(_BRACKETS, _NO_BRACKETS)
    for _ in range(DEPTH_LIMIT):
        # Each round takes the innermost level away.
        rest = nest.replace(b"{}", b"")
        if rest == nest:
            break
        nest = rest
    return bool(nest)


def _fast(text: str) -> Any:
    """Return orjson's tree, or None where it refuses or where it would have rounded a number."""
    try:
        tree = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return None if type(tree) is dict and _has_float(tree) else tree


def _has_float(tree: _Tree | list[Any]) -> bool:
    values = tree.values() if isinstance(tree, dict) else tree
    kinds = set(map(type, values))
    if float in kinds:
        return True
    if dict not in kinds and list not in kinds:
        return False
    return any(_has_float(each) for each in values if isinstance(each, (dict, list)))


def _exact(text: str) -> Any:
    try:
        tree = json.loads(text, parse_float=_fraction, parse_int=_whole, parse_constant=_refuse)
    except ValueError:
        # The parser's own words would repeat the body.
        raise Unreadable("not JSON") from None
    return _without_surrogates(tree) if "\\u" in text else tree


def _fraction(digits: str) -> NumberText:
    # Not the class itself: a function lets other threads go on between the numbers of a long list.
    return NumberText(digits)


def _whole(digits: str) -> int | NumberText:
    return int(digits) if len(digits) <= _EXACT_DIGITS else NumberText(digits)


def _refuse(_constant: str) -> Any:
    raise Unreadable("not a number of JSON")


def _without_surrogates(tree: Any) -> Any:
    if type(tree) is str:
        return _SURROGATE.sub("\ufffd", tree)
    if isinstance(tree, dict):
        return {key: _without_surrogates(each) for key, each in tree.items()}
    if isinstance(tree, list):
        return [_without_surrogates(each) for each in tree]
    return tree
