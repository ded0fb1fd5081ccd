"""Exchanges from the tree of a request."""

from collections.abc import Iterator
from dataclasses import replace

from shared.contract.operation import AnyOperation
from tests.contract.case_formats import Tree
from tests.contract.exchange import Exchange, written


def both(
    operation: AnyOperation, label: str, tree: Tree, *, code: int | None = None, status: int = 200
) -> Iterator[Exchange]:
    """Yield the request as JSON and as XML."""
    for form, body in written(operation, tree):
        yield Exchange(operation=operation, form=form, label=label, body=body, code=code, status=status)


def as_json(operation: AnyOperation, label: str, tree: Tree, *, code: int | None = None, status: int = 200) -> Exchange:
    """Return the request as JSON, for what XML has no form of."""
    return next(each for each in both(operation, label, tree, code=code, status=status) if each.form == "json")


def as_xml(operation: AnyOperation, label: str, tree: Tree, *, code: int | None = None, status: int = 200) -> Exchange:
    """Return the request as XML, for what JSON has no form of."""
    return next(each for each in both(operation, label, tree, code=code, status=status) if each.form == "xml")


def with_bytes(exchange: Exchange, mark: str, raw: bytes) -> Exchange:
    """Return an exchange with these bytes where a text of it says `mark`."""
    assert mark.encode() in exchange.body
    return replace(exchange, body=exchange.body.replace(mark.encode(), raw))
