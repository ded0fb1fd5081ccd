"""The generated cases: each family over each operation, as JSON and as XML, on the running service."""

import aiohttp
import pytest

from shared.contract.operation import AnyOperation
from tests.contract.exchange import complaint, send
from tests.contract.table import GENERATED
from tests.contract.valid_requests import PUBLIC, Callers
from tests.running import Stack

_SHOWN = 20


@pytest.mark.parametrize("operation", PUBLIC, ids=lambda operation: operation.name)
@pytest.mark.parametrize("family", GENERATED)
async def test_family(
    family: str, operation: AnyOperation, stack: Stack, callers: Callers, session: aiohttp.ClientSession
) -> None:
    complaints = []
    for exchange in GENERATED[family](operation, callers):
        found = complaint(exchange, await send(session, stack.base_url, exchange))
        if found:
            complaints.append(found)
    assert not complaints, "\n".join([f"{len(complaints)} wrong answers:", *complaints[:_SHOWN]])
