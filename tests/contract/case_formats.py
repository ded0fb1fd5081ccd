"""A case's trees as JSON and as XML: written and read apart from the service's own code for bytes."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from xml.etree import ElementTree as ET

from shared.contract.operation import AnyOperation
from shared.contract.scalars import BOOLEAN, DATE, INT, LONG, Scalar
from shared.contract.shape import shape_of

Tree = dict[str, Any]
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")


class Wire(Protocol):
    """One format: its content type, and how a call's trees become bytes and come back."""

    content_type: str

    def write(self, operation: AnyOperation, tree: Tree) -> bytes: ...

    def read(self, operation: AnyOperation, body: bytes) -> Tree: ...


class JsonWire:
    content_type = "application/json; charset=utf-8"

    def write(self, operation: AnyOperation, tree: Tree) -> bytes:
        del operation
        return json.dumps(tree).encode()

    def read(self, operation: AnyOperation, body: bytes) -> Tree:
        del operation
        tree: Tree = json.loads(body)
        return tree


class XmlWire:
    content_type = "application/xml; charset=utf-8"

    def write(self, operation: AnyOperation, tree: Tree) -> bytes:
        element = shape_of(operation.request).element
        return f"<{element}>{_children(operation.request, tree)}</{element}>".encode()

    def read(self, operation: AnyOperation, body: bytes) -> Tree:
        assert body.startswith(_DECLARATION)
        root = ET.fromstring(body)
        assert not any(each.attrib for each in root.iter())
        shape = shape_of(operation.reply)
        assert root.tag == shape.element
        code = int(root.findtext("errorCode") or "")
        if code:
            assert [each.tag for each in root] == ["errorCode"]
            return {"errorCode": code}
        return {"errorCode": 0, **_tree(operation.reply, root, before=["errorCode"])}


FORMATS: Mapping[str, Wire] = {"json": JsonWire(), "xml": XmlWire()}


def _children(cls: object, tree: Tree) -> str:
    kinds = {each.wire: each.kind for each in shape_of(cls).fields} if isinstance(cls, type) else {}
    return "".join(_elements(wire, kinds.get(wire), value) for wire, value in tree.items())


def _elements(wire: str, kind: object, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "".join(_elements(wire, kind, each) for each in value)
    content = _children(kind, value) if isinstance(value, dict) else _escaped(_text(kind, value))
    return f"<{wire}>{content}</{wire}>"


def _text(kind: object, value: Any) -> str:
    if kind is DATE and type(value) is int:
        return DATE.to_text(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _escaped(text: str) -> str:
    for character, reference in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;")):
        text = text.replace(character, reference)
    return text


def _tree(cls: type[Any], element: ET.Element, before: Sequence[str] = ()) -> Tree:
    fields = shape_of(cls).fields
    order = [*before, *(each.wire for each in fields)]
    places = [order.index(each.tag) for each in element]
    assert places == sorted(places), "elements in another order than documented"
    tree: Tree = {}
    for field in fields:
        found = [_value(field.kind, each) for each in element.findall(field.wire)]
        if field.many:
            tree[field.wire] = found
        elif found:
            (tree[field.wire],) = found
        elif field.null_written:
            tree[field.wire] = None
    return tree


def _value(kind: Any, element: ET.Element) -> Any:
    if not isinstance(kind, Scalar):
        return _tree(kind, element)
    text = element.text or ""
    if kind in (INT, LONG):
        return int(text)
    if kind is BOOLEAN:
        return {"true": True, "false": False}[text]
    if kind is DATE:
        assert _DATE.match(text), text
        return DATE.from_text(text)
    return text
