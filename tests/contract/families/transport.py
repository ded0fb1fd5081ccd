"""Families of the transport: content types and Accept on every mount, paths and methods, the order of faults."""

from collections.abc import Iterator
from itertools import product

from shared.contract.operation import AnyOperation
from tests.contract.exchange import Exchange, written
from tests.contract.families.drafting import both
from tests.contract.valid_requests import Callers, valid

_JDK = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"
_MEBIBYTE = 1024 * 1024
# Content types and the format of a body that goes with them; a foreign one leaves it to the first byte.
_CONTENT_TYPES = (
    ("application/json", "json"),
    ("APPLICATION/JSON;charset=utf-8", "json"),
    ("application/xml", "xml"),
    ("text/xml; charset=UTF-8", "xml"),
    (None, "json"),
    (None, "xml"),
    ("text/plain", "json"),
    ("application/x-www-form-urlencoded", "xml"),
)
# Accept, and the answer's format on the mount that negotiates, to JSON and to XML; none: 406.
_ACCEPTS: tuple[tuple[str | None, str | None, str | None], ...] = (
    (None, "json", "xml"),
    ("*/*", "json", "xml"),
    ("application/*", "json", "xml"),
    ("application/json", "json", "json"),
    ("application/xml", "xml", "xml"),
    ("text/xml", "xml", "xml"),
    ("application/json;q=0.1, application/xml;q=0.9", "xml", "xml"),
    ("application/xml;q=0, */*;q=0.1", "json", "json"),
    (_JDK, "json", "xml"),
    ("nonsense", "json", "xml"),
    ("text/html", None, None),
    ("application/json;q=0, application/xml;q=0, text/xml;q=0", None, None),
)
_MOUNTS = ("rest", "json", "xml")
_ACCEPTS_ELSEWHERE = (None, "application/json", "application/xml", "text/html")
_METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE")


def formats(operation: AnyOperation, callers: Callers) -> Iterator[Exchange]:
    """Yield every content type with every Accept on the mount that negotiates, and with some on the others.

    The answer is 600, so that it costs little.
    """
    bodies = dict(written(operation, {**valid(operation, callers), "apiKey": ""}))
    for mount, (content_type, form), (accept, to_json, to_xml) in product(_MOUNTS, _CONTENT_TYPES, _ACCEPTS):
        answer = mount if mount != "rest" else to_json if form == "json" else to_xml
        if mount == "rest" or accept in _ACCEPTS_ELSEWHERE:
            yield Exchange(
                operation=operation, form=form, label=f"{content_type}, Accept {accept}", body=bodies[form],
                mount=mount, content_type=content_type, headers={} if accept is None else {"Accept": accept},
                answer=answer or "", status=200 if answer else 406, code=600,
            )  # fmt: skip


def paths(operation: AnyOperation, callers: Callers) -> Iterator[Exchange]:
    """Paths are exact (404), a query is ignored, and nothing but POST is answered (405)."""
    path = str(operation.path)
    for form, body in written(operation, valid(operation, callers)):
        for wrong in (
            path,
            f"/soap{path}",
            f"/{form.upper()}{path}",
            f"/{form}{path}/",
            f"/{form}/{path}",
            f"/{form}{path.upper()}",
            f"/{form}{path.replace('user', '%75ser').replace('sms', '%73ms')}",
            f"/{form}/{form}{path}",
            f"/{form}{path}.{form}",
        ):
            for method in ("POST", "GET"):
                yield Exchange(
                    operation=operation,
                    form=form,
                    label=f"{method} {wrong}",
                    body=body,
                    path=wrong,
                    method=method,
                    status=404,
                )
        for method in _METHODS:
            yield Exchange(operation=operation, form=form, label=method, body=b"", method=method, status=405)
        for query in ("?", "?x=1", "?apiKey=unknown&authToken=unknown"):
            yield Exchange(operation=operation, form=form, label=query, body=body, path=f"/{form}{path}{query}")


def precedence(operation: AnyOperation, callers: Callers) -> Iterator[Exchange]:
    """Of several faults the first in the contract's order is answered: 404, 405, 413, 415, 406, 400, then codes."""
    too_long, no_accept = b"x" * (_MEBIBYTE + 1), {"Accept": "text/html"}
    encoded = {"Content-Encoding": "gzip", **no_accept}
    for label, body, content_type, headers, status, method in (
        ("405 before 413", too_long, "text/plain", encoded, 405, "PUT"),
        ("413 before 415", too_long, "text/plain", encoded, 413, "POST"),
        ("413 before 406", too_long, "application/json", no_accept, 413, "POST"),
        ("415 for its encoding before 406", b"{", "application/json", encoded, 415, "POST"),
        ("415 for its type before 406", b"x", "text/plain", no_accept, 415, "POST"),
        ("415 for its charset before 406", b"{", "application/json; charset=klingon", no_accept, 415, "POST"),
        ("406 before 400", b"{", "application/json", no_accept, 406, "POST"),
        ("406 before 400 for nothing", b"", "application/json", no_accept, 406, "POST"),
    ):
        yield Exchange(
            operation=operation, form="json", label=label, body=body, mount="rest", content_type=content_type,
            headers=headers, status=status, method=method,
        )  # fmt: skip
    yield Exchange(operation=operation, form="json", label="400 before 600", body=b'{"apiKey": [0]}', status=400)
    yield from both(operation, "600 before 100 and 2", {**callers.secrets(operation), "apiKey": "unknown"}, code=600)


def mismatched(operation: AnyOperation, callers: Callers) -> Iterator[Exchange]:
    """Send bodies that do not fit their known content type (400), and what is neither JSON nor XML (415)."""
    for form, body in written(operation, valid(operation, callers)):
        other = {"json": "application/xml", "xml": "application/json"}[form]
        yield Exchange(operation=operation, form=form, label=f"as {other}", body=body, content_type=other, status=400)
        for content_type in (None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            yield Exchange(
                operation=operation, form=form, label=f"a form as {content_type}", body=b"apiKey=unknown",
                content_type=content_type, status=415,
            )  # fmt: skip
