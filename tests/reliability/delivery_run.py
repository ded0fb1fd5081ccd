"""Delivery workers with a carrier of the test's own, and what must be true of them in the end."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from deploy.local.ports import free_port
from tests.integration.delivery_rows import rows
from tests.reliability.carrier import FILE, TextCarrier
from tests.reliability.client import Client, Outcome
from tests.running import Account, Role, Stack

SMS = "/remote/sms/send"
_SECRET = "a-secret-of-tests"
SETTINGS = {"DELIVERY_LEASE_SECONDS": "4", "DELIVERY_RETRY_SECONDS": "0.2"}
_EACH = 50
_RECIPIENT = 436_990_100_000
_OPEN = "select count(*)::int as open from delivery_job where account_id = $1 and state not in ('done', 'accepted')"
_WAITING = "select count(*)::int as open from delivery_job where account_id = $1 and state <> 'done'"
_JOBS = """
select job_id, message_id, recipient, job.state, job.hidden, message.status, job.due_at,
  (
    select count(*) from delivery_timeline
    where delivery_timeline.account_id = job.account_id and delivery_timeline.message_id = job.message_id
      and state = 'unknown' and reason = 'its worker is gone'
  ) as lost,
  array(
    select state from delivery_timeline
    where delivery_timeline.account_id = job.account_id and delivery_timeline.message_id = job.message_id order by id
  ) as happened
from delivery_job as job left join message using (account_id, message_id) where account_id = $1
"""


class Run:
    """Some delivery workers, one carrier, and the texts that one account sends."""

    def __init__(self, stack: Stack, workers: Sequence[Role], webhooks: int) -> None:
        self.workers = workers
        self._stack = stack
        self._turns = itertools.cycle(workers)
        self._webhooks = f"http://127.0.0.1:{webhooks}/carriers/test/receipt?secret={_SECRET}"
        self.sent: list[int] = []
        self.unanswered = 0

    async def send(self, client: Client, account: Account, count: int, **fields: Any) -> None:
        """Send so many texts to numbers in a row, and note those that were acknowledged."""
        await self.send_to(client, account, [str(_RECIPIENT + nth) for nth in range(count)], **fields)

    async def send_to(self, client: Client, account: Account, numbers: Sequence[str], **fields: Any) -> None:
        """Send a text to each, 50 a call, and note those that were acknowledged."""
        for first in range(0, len(numbers), _EACH):
            recipients = [f"+{number}" for number in numbers[first : first + _EACH]]
            outcome, answer = await client.write(account, SMS, recipients=recipients, message="hello", **fields)
            if outcome is not Outcome.DONE:
                self.unanswered += 1
                continue
            self.sent += [ack["messageId"] for ack in answer["remoteSmsSendAcks"]]

    async def kill_one(self) -> None:
        """SIGKILL the worker that lives longest, once it is ready, and start it again; the others go on meanwhile."""
        worker = next(self._turns)
        await asyncio.to_thread(worker.wait_ready)
        worker.kill()
        worker.process.start()

    async def all_ready(self) -> None:
        """Wait until every worker is."""
        for worker in self.workers:
            await asyncio.to_thread(worker.wait_ready)

    async def receipts(self, session: aiohttp.ClientSession, items: Sequence[Mapping[str, str]]) -> None:
        """Bring receipts until a worker keeps them."""
        while True:
            async with session.post(self._webhooks, json=items) as response:
                if response.status == 200:
                    return
            await asyncio.sleep(0.2)

    async def settled(self, account: Account, seconds: float, *, receipts: bool) -> float:
        """Wait until nothing is left to do for an account's texts; return the seconds that took."""
        began = time.monotonic()
        query = _WAITING if receipts else _OPEN
        while (found := await rows(self._url, query, account.account_id)) != [{"open": 0}]:
            assert time.monotonic() < began + seconds, f"still {found}"
            await asyncio.sleep(0.2)
        return time.monotonic() - began

    async def jobs(self, account: Account) -> list[dict[str, Any]]:
        """Return every job of an account with its message and its timeline."""
        return await rows(self._url, _JOBS, account.account_id)

    @property
    def _url(self) -> str:
        return self._stack.servers.postgres.url


@asynccontextmanager
async def delivery_run(
    stack: Stack, folder: Path, carrier: TextCarrier, *, policy: str, rate: float, workers: int = 2
) -> AsyncIterator[Run]:
    """Have so many workers in place of the stack's, with one carrier."""
    async with carrier.serving():
        file = FILE.format(url=carrier.url, policy=policy, rate=rate)
        async with workers_of(stack, folder, file, {**SETTINGS, "HOOK_SECRET": _SECRET}, workers) as (roles, webhooks):
            yield Run(stack, roles, webhooks)


@asynccontextmanager
async def workers_of(
    stack: Stack, folder: Path, file: str, settings: Mapping[str, str], count: int
) -> AsyncIterator[tuple[list[Role], int]]:
    """Have so many workers in place of the stack's, with a file of carriers; yield them and the port of webhooks."""
    webhooks = free_port()
    (folder / "carriers.toml").write_text(file)
    own = {**settings, "CARRIERS_FILE": str(folder / "carriers.toml"), "WEBHOOKS_PORT": str(webhooks)}
    roles = [stack.another("delivery", own, folder / str(number)) for number in range(count)]
    usual = stack.roles["delivery"]
    await asyncio.to_thread(usual.stop)
    try:
        for role in roles:
            role.process.start()
        for role in roles:
            await asyncio.to_thread(role.wait_ready)
        yield roles, webhooks
    finally:
        for role in roles:
            await asyncio.to_thread(role.stop)
        await asyncio.to_thread(usual.start)
