"""HTTP statuses of their own for API errors, where a setting asks for them: the body stays the same."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from shared.contract.faults import Fault
from shared.contract.operation import AnyOperation
from tests.contract.exchange import Answer, Exchange, complaint, send
from tests.contract.gateways import another_gateway
from tests.contract.table import APART, GENERATED, STATUSES
from tests.contract.valid_requests import Callers
from tests.running import Stack

_STATUS = {
    0: 200, 2: 400, 97: 403, 98: 429, 99: 503, 100: 401, 101: 401, 105: 404, 106: 409, 107: 404, 109: 403, 113: 403,
    200: 400, 600: 401,
}  # fmt: skip
_FAMILIES = ("600 application", "100 token", "97 application", "97 account", "other application", "2 required")


@pytest.fixture(scope="module")
def base_url(stack: Stack, run_folder: Path) -> Iterator[str]:
    with another_gateway(stack, run_folder / "statuses", {"REAL_HTTP_STATUSES": "on"}) as role:
        yield role.base_url


@pytest.mark.parametrize("operation", APART[STATUSES], ids=lambda operation: operation.name)
async def test_each_code_has_its_status(
    operation: AnyOperation, base_url: str, callers: Callers, session: aiohttp.ClientSession
) -> None:
    exchanges = (each for family in _FAMILIES for each in GENERATED[family](operation, callers))
    complaints = [_complaint(each, await send(session, base_url, each)) for each in exchanges]
    assert not any(complaints), "\n".join(filter(None, complaints))


def test_every_code_has_a_status() -> None:
    assert {fault.value: fault.http_status for fault in Fault if fault is not Fault.KEY_REUSED} == {
        code: status for code, status in _STATUS.items() if code
    }


def _complaint(exchange: Exchange, answer: Answer) -> str:
    if answer.status != _STATUS[exchange.wanted_code]:
        return f"{exchange.label}: HTTP {answer.status} for code {exchange.wanted_code}"
    return complaint(exchange, replace(answer, status=200))
