"""Families of whole bodies: nesting, size, truncation, content encodings and charsets."""

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import replace

from shared.contract.operation import AnyOperation
from tests.contract.case_formats import Tree
from tests.contract.exchange import Exchange, written
from tests.contract.families.drafting import as_json, as_xml, both, with_bytes
from tests.contract.valid_requests import Callers, full, valid

_DEEPEST = 32
_LARGEST = 1024 * 1024
_PIECES = 7


def depth(operation: AnyOperation, callers: Callers) -> Iterator[Exchange]:
    """Nesting of 32 is read, one level more is 400, a bottomless one too."""
    tree = valid(operation, callers)
    for levels, status in ((_DEEPEST, 200), (_DEEPEST + 1, 400), (10_000, 400)):
        label, inner = f"{levels} levels", levels - 1
        json_nest, xml_nest = b"[" * inner + b"]" * inner, b"<a>" * inner + b"</a>" * inner
        yield with_bytes(as_json(operation, label, {"x": "@@", **tree}, status=status), '"@@"', json_nest)
        yield with_bytes(as_xml(operation, label, {"x": "@@", **tree}, status=status), "<x>@@</x>", xml_nest)
    yield as_json(operation, "brackets in a text", {**tree, "x": "[{" * 100})


def truncated(operation: AnyOperation, callers: Callers) -> Iterator[Exchange]:
    """Empty and cut off bodies are 400, wherever the cut is."""
    for form, body in written(operation, full(operation, callers)):
        for cut in {*range(1, len(body), max(1, len(body) // _PIECES)), len(body) - 1}:
            whole = Exchange(operation=operation, form=form, label=f"cut at {cut}", body=body[:cut], status=400)
            yield whole
        for content_type in ("", None, "text/plain"):
            for label, empty in (("empty", b""), ("blank", b" \r\n\t"), ("a mark alone", b"\xef\xbb\xbf")):
                blank = Exchange(operation=operation, form=form, label=label, body=empty, status=400)
                yield replace(blank, content_type=content_type)
        yield Exchange(operation=operation, form=form, label="more behind it", body=body + body, status=400)


def size(operation: AnyOperation, callers: Callers) -> Iterator[Exchange]:
    """Yield a body of 1 MiB, which is read, and one of a byte more: 413."""
    for form, body in written(operation, valid(operation, callers)):
        largest = Exchange(operation=operation, form=form, label="1 MiB", body=body.ljust(_LARGEST))
        yield largest
        yield replace(largest, label="1 MiB and a byte", body=largest.body + b" ", status=413)


def encodings(operation: AnyOperation, callers: Callers) -> Iterator[Exchange]:
    """Any content encoding but identity is 415, whether or not the body has it."""
    for exchange in both(operation, "content encoding", valid(operation, callers)):
        yield replace(exchange, headers={"Content-Encoding": "identity"})
        yield replace(exchange, headers={"Content-Encoding": "Identity"})
        for name, body in (
            ("gzip", gzip.compress(exchange.body)),
            ("deflate", zlib.compress(exchange.body)),
            ("gzip", exchange.body),
            ("br", exchange.body),
            ("identity, gzip", exchange.body),
            ("nonsense", exchange.body),
        ):
            label = f"content encoding {name}"
            yield replace(exchange, label=label, headers={"Content-Encoding": name}, body=body, status=415)
        # An answer is never compressed, whatever a client takes.
        yield replace(exchange, headers={"Accept-Encoding": "gzip, deflate, br", "TE": "gzip"})


def charsets(operation: AnyOperation, callers: Callers) -> Iterator[Exchange]:
    """Name known charsets, in the Content-Type and in XML's declaration, and others: 415."""
    for form, body in written(operation, {**full(operation, callers), "unknown": "gr\u00fcn"}):
        text = body.decode() if form == "xml" else _unescaped(body)
        for name, codec in _CHARSETS:
            yield _named(operation, form, name, text.encode(codec))
        for name in ("utf-32", "koi8-r", "utf-7", "klingon", "x" * 100):
            yield replace(_named(operation, form, name, body), status=415)
        marked = b"\xef\xbb\xbf" + text.encode()
        yield Exchange(operation=operation, form=form, label="a byte order mark", body=marked)
    yield replace(_named(operation, "json", "utf-16", body.decode().encode("utf-16")), status=415)
    yield from _declared(operation, callers)


_CHARSETS = (
    ("utf-8", "utf-8"),
    ("UTF-8", "utf-8"),
    ('"utf-8"', "utf-8"),
    ("us-ascii", "latin-1"),
    ("ISO-8859-1", "latin-1"),
    ("windows-1252", "cp1252"),
    ("utf-8", "latin-1"),
)


def _declared(operation: AnyOperation, callers: Callers) -> Iterator[Exchange]:
    text = next(body for form, body in written(operation, _green(operation, callers)) if form == "xml").decode()
    for name, codec, status in (
        ("utf-8", "utf-8", 200),
        ("iso-8859-1", "latin-1", 200),
        ("windows-1252", "cp1252", 200),
        ("utf-16", "utf-16", 200),
        ("koi8-r", "latin-1", 415),
        ("utf-32", "utf-8", 415),
    ):
        body = f'<?xml version="1.0" encoding="{name}"?>{text}'.encode(codec)
        yield Exchange(operation=operation, form="xml", label=f"declared as {name}", body=body, status=status)
    for codec in ("utf-16", "utf-16-le", "utf-16-be"):
        yield Exchange(operation=operation, form="xml", label=codec, body=text.encode(codec))
        yield _named(operation, "xml", "utf-16", text.encode(codec))


def _green(operation: AnyOperation, callers: Callers) -> Tree:
    return {**full(operation, callers), "unknown": "gr\u00fcn"}


def _unescaped(body: bytes) -> str:
    return json.dumps(json.loads(body), ensure_ascii=False)


def _named(operation: AnyOperation, form: str, charset: str, body: bytes) -> Exchange:
    content_type = f"application/{form}; charset={charset}"
    label = f"charset={charset}"
    return Exchange(operation=operation, form=form, label=label, body=body, content_type=content_type)
