"""Texts for a carrier of the test's own: none is lost, and none doubled but where nobody could know."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from shared.contract import dates
from tests.reliability.carrier import TextCarrier
from tests.reliability.client import Client
from tests.reliability.delivery_run import delivery_run
from tests.reliability.settings import DELIVERY_KILLS, DELIVERY_TEXTS, DUE_KILLS, FULL, RECEIPTS, SEED
from tests.running import Stack

RATE = 400.0
DUE_RATE = 500.0
SETTLED_SECONDS = 900.0 if FULL else 180.0
DUE_SECONDS = 45 if FULL else 8


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[Client]:
    async with Client(stack.base_url, stack.api_key) as client:
        yield client


@pytest.mark.parametrize("policy", ["resend", "fail"])
async def test_workers_are_killed_under_load_with_a_carrier_on_a_bad_day(
    stack: Stack, client: Client, tmp_path: Path, policy: str
) -> None:
    account, carrier = await stack.account(), TextCarrier(SEED, bad=True)
    dice = random.Random(SEED)
    async with delivery_run(stack, tmp_path, carrier, policy=policy, rate=RATE, workers=3) as run:
        for _ in range(DELIVERY_KILLS):
            # As many for each, so that it is killed with texts under way.
            loading = asyncio.create_task(run.send(client, account, DELIVERY_TEXTS // DELIVERY_KILLS, store=True))
            await asyncio.sleep(dice.uniform(0.1, 0.5))
            await run.kill_one()
            await loading
        seconds = await run.settled(account, SETTLED_SECONDS, receipts=False)
        jobs = await run.jobs(account)
    doubled = sum(took > 1 for took in carrier.took.values())
    unknown = sum(job["happened"].count("unknown") for job in jobs)
    moods = {mood.value: count for mood, count in carrier.moods.items()}
    lost = sum(job["lost"] for job in jobs)
    print(f"{policy}, seed {SEED}: {DELIVERY_KILLS} kills, {len(jobs)} texts, {run.unanswered} calls unanswered,"
          f" {moods}, {unknown} times unknown, {lost} of them for want of their worker, {doubled} doubled,"
          f" done {seconds:.1f} s after the last")  # fmt: skip
    assert lost >= DELIVERY_KILLS // 4, "the workers had nothing under way when they were killed"
    # What was not acknowledged may be there all the same.
    assert {job["message_id"] for job in jobs} >= {*run.sent}
    assert len(run.sent) > DELIVERY_TEXTS / 2
    wrong = [found for job in jobs if (found := _wrong(job, carrier, policy))]
    assert wrong == []


def _wrong(job: dict[str, Any], carrier: TextCarrier, policy: str) -> str:
    """Return what is not as it must be with one text."""
    reference = str(job["job_id"])
    took, unknown = carrier.took[reference], job["happened"].count("unknown")
    if job["state"] == "accepted" and (took < 1 or job["status"] != 1):
        return f"{reference}: accepted, but taken {took} times, status {job['status']}"
    if job["state"] == "done" and job["status"] != 5:
        return f"{reference}: failed, and its status is {job['status']}"
    if job["state"] == "done" and not (carrier.refused[reference] or unknown):
        return f"{reference}: failed without a reason, {job['happened']}"
    if took > 1 + (unknown if policy == "resend" else 0):
        return f"{reference}: taken {took} times, {unknown} times unknown"
    return ""


async def test_many_are_due_in_one_second_and_workers_are_killed(stack: Stack, client: Client, tmp_path: Path) -> None:
    account, carrier = await stack.account(), TextCarrier(SEED, bad=False)
    async with delivery_run(stack, tmp_path, carrier, policy="resend", rate=DUE_RATE) as run:
        due = dates.now() + DUE_SECONDS * 1000
        await run.send(client, account, DELIVERY_TEXTS, dateSendOn=due, store=True)
        assert dates.now() < due, "the machine is too slow for so many"
        assert not carrier.took
        await asyncio.sleep((due - dates.now()) / 1000)
        for _ in range(DUE_KILLS):
            # Or nobody would be left, and all would be late for that.
            await run.all_ready()
            await run.kill_one()
            # So that the last one is killed when most is sent.
            await asyncio.sleep(DELIVERY_TEXTS / DUE_RATE / (DUE_KILLS + 1))
        await run.settled(account, SETTLED_SECONDS, receipts=False)
        jobs = await run.jobs(account)
    # What was answered with 99 may be there as well.
    assert {job["message_id"] for job in jobs} >= {*run.sent}
    late = sorted(at - due / 1000 for at in carrier.times.values())
    p99 = late[int(len(late) * 0.99)]
    behind = p99 - len(late) * 0.99 / DUE_RATE
    doubled = sum(took > 1 for took in carrier.took.values())
    unknown = sum("unknown" in job["happened"] for job in jobs)
    print(f"{len(jobs)} due at once, {run.unanswered} calls unanswered, {DUE_KILLS} kills: p99 {p99:.2f} s late,"
          f" {behind:.2f} s behind the carrier's rate of {DUE_RATE:g}/s,"
          f" {unknown} unknown, {doubled} doubled")  # fmt: skip
    assert late[0] >= 0
    # One that was under way twice when its worker was killed is not sent a third time.
    assert all(job["state"] == "accepted" or job["happened"].count("unknown") > 1 for job in jobs)
    assert carrier.took.keys() == {str(job["job_id"]) for job in jobs}
    assert all(carrier.took[str(job["job_id"])] <= 1 + job["happened"].count("unknown") for job in jobs)


async def test_receipts_come_whenever_and_however_often(stack: Stack, client: Client, tmp_path: Path) -> None:
    account, dice = await stack.account(), random.Random(SEED)
    behind: list[asyncio.Task[None]] = []
    async with aiohttp.ClientSession() as session:

        async def taken(reference: str) -> None:
            item = {"id": f"c-{reference}", "state": _state(reference)}
            on_its_way, other = {**item, "state": "?"}, {**item, "state": "no"}
            unknown = {"id": f"u-{reference}", "state": "ok"}
            # Before the answer, after it, twice, in the wrong order, and of what nobody knows.
            ways = [([item], []), ([], [item]), ([item], [item]), ([on_its_way], [item, other, on_its_way]),
                    ([unknown], [item, item]), ([item, other], [on_its_way])]  # fmt: skip
            before, after = dice.choice(ways)
            if before:
                await run.receipts(session, before)
            if after:
                behind.append(asyncio.create_task(late(after)))

        async def late(items: list[dict[str, str]]) -> None:
            await asyncio.sleep(dice.uniform(0, 2))
            await run.receipts(session, items)

        carrier = TextCarrier(SEED, bad=False, taken=taken)
        async with delivery_run(stack, tmp_path, carrier, policy="resend", rate=DUE_RATE) as run:
            await run.send(client, account, RECEIPTS, store=True)
            await run.settled(account, SETTLED_SECONDS, receipts=True)
            await asyncio.gather(*behind)
            jobs = await run.jobs(account)
    print(f"seed {SEED}: {len(jobs)} texts, {len(behind)} receipts after the answer,"
          f" {Counter(job['status'] for job in jobs)}")  # fmt: skip
    expected = {"ok": (2, "delivered"), "no": (5, "failed"), "late": (5, "expired")}
    wrong = [job for job in jobs if (job["status"], job["happened"][-1]) != expected[_state(str(job["job_id"]))]]
    assert wrong == []


def _state(reference: str) -> str:
    return {0: "no", 1: "late"}.get(int(reference) % 10, "ok")
