"""Family of XML that nobody means well with, and of XML that only looks odd."""

from collections.abc import Iterator

from shared.contract.operation import AnyOperation
from shared.contract.shape import shape_of
from tests.contract.exchange import Exchange, written
from tests.contract.valid_requests import Callers, valid

_LAUGHS = "".join(f"<!ENTITY l{place} '{f'&l{place - 1};' * 10}'>" for place in range(1, 10))
_SUBSETS = (
    "",
    " SYSTEM 'file:///etc/hostname'",
    " PUBLIC '-//x//y' 'http://127.0.0.1:1/x.dtd'",
    " [<!ENTITY e SYSTEM 'file:///etc/hostname'>]",
    " [<!ENTITY e 'text'>]",
    " [<!ENTITY % p SYSTEM 'http://127.0.0.1:1/'>%p;]",
    f" [<!ENTITY l0 'ha'>{_LAUGHS}]",
    " [<!ATTLIST x y CDATA 'z'>]",
)


def xml_attacks(operation: AnyOperation, callers: Callers) -> Iterator[Exchange]:
    """Document types, entities, another root, namespaces and what is no XML are 400; oddities are read."""
    root = shape_of(operation.request).element
    body = next(body for form, body in written(operation, valid(operation, callers)) if form == "xml").decode()
    inner = body.removeprefix(f"<{root}>").removesuffix(f"</{root}>")
    for text in (*_document_types(root, body, inner), *_other_roots(root, inner), *_no_xml(root, inner)):
        yield _exchange(operation, text, 400)
    for text in _oddities(root, inner):
        yield _exchange(operation, text, 200)


def _document_types(root: str, body: str, inner: str) -> Iterator[str]:
    for subset in _SUBSETS:
        yield f"<!DOCTYPE {root}{subset}>{body}"
    yield f"<!DOCTYPE {root} [<!ENTITY l0 'ha'>{_LAUGHS}]><{root}><x>&l9;</x>{inner}</{root}>"
    yield f"<!DOCTYPE {root} [<!ENTITY e SYSTEM 'file:///etc/hostname'>]><{root}><x>&e;</x>{inner}</{root}>"


def _other_roots(root: str, inner: str) -> Iterator[str]:
    for other in ("x", root.upper(), f"{root[0].upper()}{root[1:]}", f"{root}s", root.replace("Request", "Response")):
        yield f"<{other}>{inner}</{other}>"
    yield f'<{root} xmlns="urn:x">{inner}</{root}>'
    yield f'<n:{root} xmlns:n="urn:x">{inner}</n:{root}>'
    yield f"<n:{root}>{inner}</n:{root}>"
    yield f"<x><{root}>{inner}</{root}></x>"


def _no_xml(root: str, inner: str) -> Iterator[str]:
    for wrong in (
        "&unknown;",
        "&#0;",
        "<a></b>",
        "<a",
        "&",
        "<a b=c/>",
        "<a b='1' b='2'/>",
        "<![CDATA[",
        "<!-- -- -->",
    ):
        yield f"<{root}>{inner}{wrong}</{root}>"
    for forbidden in ("\x01", "&#x1;", "\uffff", "&#xFFFE;", "&#xD800;"):
        yield f"<{root}><x>{forbidden}</x>{inner}</{root}>"
    yield f"<{root}>{inner}</{root}><{root}/>"
    yield f"<{root}>{inner}</{root}>text"


def _oddities(root: str, inner: str) -> Iterator[str]:
    yield f'<?xml version="1.0"?><!-- x --><?y z?><{root} a="1">{inner}<!-- x --></{root}>\n<!-- y -->'
    yield f"<{root}>\n  {inner.replace('><', '>text<')}\n</{root}>"
    for start, end in (('<apiKey a="1"><!-- x --><?y z?>', "</apiKey>"), ("<apiKey><![CDATA[", "]]></apiKey>")):
        yield f"<{root}>{inner.replace('<apiKey>', start).replace('</apiKey>', end)}</{root}>"
    yield f'<{root} xmlns:n="urn:x"><n:apiKey>other</n:apiKey>{inner}<n:x n:y="z"/></{root}>'
    yield f"<{root}>{inner}{'<a/>' * 20_000}</{root}>"
    attributes = " ".join(f'a{place}=""' for place in range(5_000))
    yield f"<{root}>{inner}<a {attributes}/></{root}>"
    yield f"<{root}>{inner}<a>{'&lt;' * 100_000}</a></{root}>"


def _exchange(operation: AnyOperation, text: str, status: int) -> Exchange:
    label = text if len(text) < 200 else f"{text[:100]}...{text[-100:]}"
    return Exchange(operation=operation, form="xml", label=label, body=text.encode(), status=status)
