"""New code is put into place under load, one process after the other, and a client that never retries sees nothing."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.local.roles import RESTART_ORDER, ROLES
from tests.apart import place_of_its_own
from tests.reliability.balancer import Backend, Balancer
from tests.reliability.client import Client, Outcome
from tests.reliability.ledger import Ledger
from tests.reliability.settings import BACK_SECONDS, ROLLOUTS, SEED
from tests.reliability.visits import Visits
from tests.running import Role, Stack
from tests.servers import Servers

# A balancer looks twice a second, and a gateway that leaves gives it four looks.
PERIOD, LEAVE_SECONDS = 0.5, 2.0
ACCOUNTS, RATE = 20, 60.0
VISITORS, PAUSE = 6, 0.3


@pytest.fixture(scope="module")
async def place(servers: Servers) -> AsyncIterator[dict[str, str]]:
    async with place_of_its_own(servers) as settings:
        yield {
            **settings,
            "LEAVE_SECONDS": str(LEAVE_SECONDS),
            "AUTHENTICATION_CACHE_SECONDS": "1",
            # A call that is lost is answered 99 at its end, one that waits for a busy machine is not.
            "BUDGET_SECONDS": "20",
        }


@pytest.fixture(scope="module")
def pairs(servers: Servers, place: dict[str, str], run_folder: Path, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Yield a service with two processes of each role."""
    stack = Stack(servers, run_folder / "pairs", place, counts=dict.fromkeys(ROLES, 2))
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()
        if request.session.testsfailed:
            print("\n".join(role.process.tail(200) for role in stack.roles.values()))


async def test_no_call_fails_while_every_process_is_replaced(pairs: Stack) -> None:
    accounts = await pairs.accounts(ACCOUNTS + VISITORS)
    async with Balancer([_backend(role) for role in pairs.of("gateway")], PERIOD) as balancer:
        url = f"http://127.0.0.1:{balancer.port}"
        async with Client(url, pairs.api_key, keep_alive=False) as client:
            ledger = Ledger(client, accounts[:ACCOUNTS], rate=RATE, seed=SEED)
            visits = Visits(client, accounts[ACCOUNTS:], pause=PAUSE)
            await _until_all_ready(balancer)
            async with ledger.writing(), visits.going_on():
                for _ in range(ROLLOUTS):
                    await _roll_out(pairs, balancer)
                await ledger.back(BACK_SECONDS)
            print(f"{ROLLOUTS} rollouts: {dict(ledger.outcomes)}, {dict(visits.made)}")
            assert (balancer.refused, visits.failed) == ([], [])
            assert ledger.outcomes.keys() == {Outcome.DONE}
            assert await ledger.disagreements() == []
        assert min(balancer.given[_backend(role).port] for role in pairs.of("gateway")) > ROLLOUTS


async def _roll_out(pairs: Stack, balancer: Balancer) -> None:
    for name in RESTART_ORDER:
        for role in pairs.of(name):
            await asyncio.to_thread(role.restart)
            assert "drain cut short" not in role.process.tail()
            await _until_all_ready(balancer)


async def _until_all_ready(balancer: Balancer) -> None:
    async with asyncio.timeout(BACK_SECONDS):
        while len(balancer.ready) < len(balancer.backends):  # noqa: ASYNC110 - a look now and then is what the balancer does as well
            await asyncio.sleep(PERIOD)
    # Only then may the next one leave, or Kubernetes has nobody to send calls to.
    await asyncio.sleep(PERIOD)


def _backend(role: Role) -> Backend:
    return Backend(int(urlsplit(role.base_url).port or 0), role.health_port)
