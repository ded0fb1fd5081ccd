"""XML bodies: bytes to the tree that the contract's reading takes."""

from typing import Any, NoReturn
from xml.parsers import expat

from services.gateway.formats import charsets
from services.gateway.formats.format import Format
from shared.contract.reading import XmlNode
from shared.contract.scalars import Unreadable

DEPTH_LIMIT = 32
_BUFFER = 65_536
_Children = dict[str, list[XmlNode]]


def parse(body: bytes, charset: str | None, root: str) -> _Children:
    """Return the children of the root element, each name with all its nodes.

    Raises `Unreadable` (HTTP 400) and `UnknownCharset` (HTTP 415).
    """
    text = charsets.decode(body, charset, Format.XML)
    reader = _Reader(root)
    try:
        # Given text, the parser disregards the declaration's encoding.
        reader.parser.Parse(text, True)
    except expat.ExpatError:
        # The parser's own words could repeat the body.
        raise Unreadable("not XML") from None
    return reader.children


class _Reader:
    """Builds the tree; a stack entry is an open element's children and the pieces of its text.

    An element of a namespace keeps it before its name, a blank between, so that no field has such a name.
    """

    def __init__(self, root: str) -> None:
        self.children: _Children = {}
        self._root = root
        self._stack: list[tuple[_Children, list[str]]] = []
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.buffer_size = _BUFFER
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = _refuse

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        if not self._stack and name != self._root:
            raise Unreadable("another root element")
        if len(self._stack) == DEPTH_LIMIT:
            raise Unreadable("nested too deep")
        self._stack.append(({}, []))

    def _end(self, name: str) -> None:
        children, pieces = self._stack.pop()
        if not self._stack:
            self.children = children
            return
        siblings = self._stack[-1][0].setdefault(name, [])
        siblings.append(children or "".join(pieces))

    def _text(self, text: str) -> None:
        self._stack[-1][1].append(text)


def _refuse(*_doctype: Any) -> NoReturn:
    raise Unreadable("a document type")
