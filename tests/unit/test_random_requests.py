"""Random requests through the gateway's reading: no exception, JSON and XML agree, what was written is read."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.gateway.body import TransportFault
from services.gateway.documents import Document, read_document
from services.gateway.endpoints import Endpoint, endpoints
from shared.contract.accounts import AuthenticateRequest
from shared.contract.catalogue import OPERATIONS
from shared.contract.operation import AnyOperation
from shared.contract.reading import read_json, violation
from shared.contract.scalars import DATE, Scalar
from shared.contract.shape import shape_of
from shared.contract.writing import to_tree
from tests.contract.case_formats import FORMATS, Tree
from tests.contract.exchange import CONTENT_TYPES
from tests.contract.random_requests import Spelled, as_json, broken, other_requests, text_requests, valid_requests

_ENDPOINTS = endpoints(OPERATIONS)
_SECRETS = {"apiKey": "key", "authToken": "token"}
_RANDOM = settings(max_examples=100, deadline=None)


def _endpoint(operation: AnyOperation, mount: str = "rest") -> Endpoint:
    return _ENDPOINTS[f"/{mount}{operation.path}"]


def _read(operation: AnyOperation, body: bytes, form: str) -> Document | int:
    """Return what a body is read as, or the status of its refusal."""
    try:
        return read_document(_endpoint(operation), CONTENT_TYPES[form], None, body)
    except TransportFault as fault:
        return fault.status


def _assert_lasting(operation: AnyOperation, document: Document) -> None:
    """Assert that what was read goes to a worker as JSON and is the same there."""
    sent = orjson.loads(orjson.dumps(to_tree(document.request)))
    assert read_json(operation.request, sent) == document.request
    fault = violation(operation, document.request)
    assert fault is None or fault == 2 or fault in operation.faults


@_RANDOM
@given(valid_requests())
def test_every_spelling_in_both_formats_is_read_as_what_it_means(found: tuple[AnyOperation, Spelled]) -> None:
    operation, spelled = found
    for form, tree in (("json", spelled.json), ("xml", spelled.xml)):
        document = _read(operation, FORMATS[form].write(operation, {**_SECRETS, **tree}), form)
        assert isinstance(document, Document)
        assert document.request == spelled.meant
        assert document.secrets == AuthenticateRequest("key", "token")
        _assert_lasting(operation, document)


@_RANDOM
@given(text_requests())
def test_both_formats_read_or_refuse_the_same_texts(found: tuple[AnyOperation, Tree]) -> None:
    operation, tree = found
    from_json, from_xml = (_read(operation, wire.write(operation, tree), form) for form, wire in FORMATS.items())
    if isinstance(from_json, Document) and isinstance(from_xml, Document):
        assert from_json.request == from_xml.request
        _assert_lasting(operation, from_json)
    else:
        # JSON alone has dates of other forms.
        assert from_xml == 400
        assert from_json == 400 or _has_date(operation.request)


@_RANDOM
@given(other_requests())
def test_any_json_is_read_or_refused(found: tuple[AnyOperation, Tree]) -> None:
    operation, tree = found
    document = _read(operation, as_json(tree), "json")
    if isinstance(document, Document):
        _assert_lasting(operation, document)
    else:
        assert document == 400


@pytest.mark.parametrize("form", FORMATS)
@_RANDOM
@given(data=st.data(), found=valid_requests())
def test_any_bytes_are_read_or_refused(form: str, data: st.DataObject, found: tuple[AnyOperation, Spelled]) -> None:
    operation, spelled = found
    tree = {**_SECRETS, **(spelled.json if form == "json" else spelled.xml)}
    document = _read(operation, data.draw(broken(FORMATS[form].write(operation, tree))), form)
    if isinstance(document, Document):
        _assert_lasting(operation, document)
    else:
        assert document in {400, 415}


def _has_date(cls: type[Any]) -> bool:
    kinds = [each.kind for each in shape_of(cls).fields]
    return any(kind is DATE if isinstance(kind, Scalar) else _has_date(kind) for kind in kinds)
