"""Random requests over HTTP: a documented status and code, a well-formed answer, the same as JSON and as XML."""

import http.client
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.contract.operation import AnyOperation
from shared.contract.scalars import DATE, Scalar
from shared.contract.shape import shape_of
from tests.contract.accounts import Accounts
from tests.contract.case_formats import FORMATS, Tree
from tests.contract.exchange import CONTENT_TYPES, Answer, Exchange, complaint
from tests.contract.random_requests import Spelled, as_json, broken, other_requests, text_requests, valid_requests
from tests.running import Stack

_BOUNDED = settings(
    max_examples=100,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
# Minus an HTTP status, so that it is no code.
_UNREADABLE, _UNSUPPORTED = -400, -415
_REFUSED_SECRETS = {100, 600}


class Twins:
    """Two fresh accounts that get the same requests, the one as JSON and the other as XML: so they stay alike."""

    def __init__(self, stack: Stack, tokens: dict[str, str]) -> None:
        url = urlsplit(stack.base_url)
        self.connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=30)
        self._api_key = stack.api_key
        self._tokens = tokens

    def body(self, operation: AnyOperation, tree: Tree, form: str) -> bytes:
        """Return a request's bytes with the twin's secrets."""
        both = {"apiKey": self._api_key, "authToken": self._tokens[form]}
        return FORMATS[form].write(operation, {**{key: both[key] for key in operation.credentials.value}, **tree})

    def outcome(self, operation: AnyOperation, body: bytes, form: str) -> int:
        """Return the code of a well-formed answer, or minus its HTTP status."""
        self.connection.request("POST", f"/{form}{operation.path}", body, {"Content-Type": CONTENT_TYPES[form]})
        response = self.connection.getresponse()
        answer = Answer(response.status, dict(response.getheaders()), response.read())
        found = -answer.status if answer.status != 200 else int(FORMATS[form].read(operation, answer.body)["errorCode"])
        exchange = Exchange(
            operation=operation, form=form, label="random", body=body, status=answer.status, code=max(found, 0)
        )
        wrong = complaint(exchange, answer)
        assert not wrong, wrong
        return found

    def outcomes(self, operation: AnyOperation, in_json: Tree, in_xml: Tree) -> tuple[int, int]:
        """Return the outcomes of both twins' requests."""
        as_json, as_xml = self.body(operation, in_json, "json"), self.body(operation, in_xml, "xml")
        return self.outcome(operation, as_json, "json"), self.outcome(operation, as_xml, "xml")


@pytest_asyncio.fixture
async def tokens(accounts: Accounts) -> dict[str, str]:
    return {form: (await accounts.fresh()).auth_token for form in FORMATS}


@pytest.fixture
def twins(stack: Stack, tokens: dict[str, str]) -> Iterator[Twins]:
    twins = Twins(stack, tokens)
    yield twins
    twins.connection.close()


@_BOUNDED
@given(found=valid_requests())
def test_valid_requests_are_answered_alike(found: tuple[AnyOperation, Spelled], twins: Twins) -> None:
    operation, spelled = found
    from_json, from_xml = twins.outcomes(operation, spelled.json, spelled.xml)
    assert from_json == from_xml
    assert from_json in _codes(operation)


@_BOUNDED
@given(found=text_requests())
def test_texts_are_answered_alike(found: tuple[AnyOperation, Tree], twins: Twins) -> None:
    operation, tree = found
    from_json, from_xml = twins.outcomes(operation, tree, tree)
    assert {from_json, from_xml} <= {*_codes(operation), _UNREADABLE}
    # JSON alone has dates of other forms.
    assert from_json == from_xml or (from_xml == _UNREADABLE and _has_date(operation.request))


@_BOUNDED
@given(found=other_requests())
def test_any_json_has_a_documented_answer(found: tuple[AnyOperation, Tree], twins: Twins) -> None:
    operation, tree = found
    own = FORMATS["json"].read(operation, twins.body(operation, {}, "json"))
    outcome = twins.outcome(operation, as_json({**own, **tree}), "json")
    assert outcome in {*_codes(operation), *_REFUSED_SECRETS, _UNREADABLE}


@pytest.mark.parametrize("form", FORMATS)
@_BOUNDED
@given(data=st.data(), found=valid_requests())
def test_any_bytes_have_a_documented_answer(
    form: str, data: st.DataObject, found: tuple[AnyOperation, Spelled], twins: Twins
) -> None:
    operation, spelled = found
    body = data.draw(broken(twins.body(operation, spelled.json if form == "json" else spelled.xml, form)))
    outcome = twins.outcome(operation, body, form)
    assert outcome in {*_codes(operation), *_REFUSED_SECRETS, _UNREADABLE, _UNSUPPORTED}


def _codes(operation: AnyOperation) -> set[int]:
    return {0, 2, *operation.faults}


def _has_date(cls: type[Any]) -> bool:
    kinds = [each.kind for each in shape_of(cls).fields]
    return any(kind is DATE if isinstance(kind, Scalar) else _has_date(kind) for kind in kinds)
