"""What delivery measures: jobs by their state, how late the oldest is, and how long receipts took."""

import asyncio

from prometheus_client import REGISTRY

from deploy.local.servers import Servers
from services.delivery.carriers.carrier import Accepted, Receipt, ReceiptState, Refusal, Refused
from services.delivery.measures import backlog, jobs
from shared.contract import dates
from tests.integration.bus_rig import eventually
from tests.integration.delivery_rig import NUMBER, DeliveryRig, Scripted, delivery_rig

MOST = 100


def measured(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"usermessage_delivery_{name}", labels) or 0.0


def _ended() -> float:
    return sum(measured("ended_total", status=status) for status in ("delivered", "failed"))


async def _ends(rig: DeliveryRig, *, receipt_after: float | None) -> None:
    ended = _ended()
    account = await rig.account()
    message_id = await rig.send(account)
    if receipt_after is not None:
        await rig.becomes(account, message_id, "accepted")
        await asyncio.sleep(receipt_after)
        await rig.arrivals.receipt(Receipt("one", "id", NUMBER, ReceiptState.DELIVERED, "", dates.now()))
    await rig.becomes(account, message_id, "done")
    # It is counted when the database has it.
    await eventually(lambda: _ended() == ended + 1)


async def test_the_time_of_a_receipt_is_that_from_acceptance_to_its_coming(servers: Servers) -> None:
    before = [measured(f"receipt_seconds_{each}", carrier="one") for each in ("count", "sum")]
    ended = measured("ended_total", status="delivered")
    async with delivery_rig(servers, Scripted("one", Accepted(("id",)))) as rig, rig.worker().running():
        await _ends(rig, receipt_after=0.5)
    assert measured("receipt_seconds_count", carrier="one") - before[0] == 1
    assert 0.5 <= measured("receipt_seconds_sum", carrier="one") - before[1] < 5
    assert measured("ended_total", status="delivered") - ended == 1


async def test_what_had_no_receipt_took_no_time(servers: Servers) -> None:
    before = measured("receipt_seconds_count", carrier="one")
    failed, delivered = measured("ended_total", status="failed"), measured("ended_total", status="delivered")
    outcomes = (Refused(Refusal.PERMANENT, "blocked"), Accepted(("id",)))
    async with delivery_rig(servers, Scripted("one", *outcomes)) as rig, rig.worker().running():
        await _ends(rig, receipt_after=None)
        rig.scene.receipts = False
        await _ends(rig, receipt_after=None)
    assert measured("receipt_seconds_count", carrier="one") == before
    assert measured("ended_total", status="failed") - failed == 1
    assert measured("ended_total", status="delivered") - delivered == 1


async def test_jobs_are_counted_by_their_state_up_to_a_limit(servers: Servers) -> None:
    async with delivery_rig(servers, Scripted("one")) as rig:
        account = await rig.account()
        sent = [await rig.send(account) for _ in range(6)]
        for state, message_id in zip(("submitting", "accepted", "ending", "done"), sent, strict=False):
            await rig.rig.rows("update delivery_job set state = $1 where message_id = $2", state, message_id)
        expected = {"waiting": 2, "submitting": 1, "accepted": 1, "ending": 1}
        assert await rig.store.states(MOST) == expected
        assert await rig.store.states(1) == {**expected, "waiting": 1}
        jobs(await rig.store.states(MOST))
    assert measured("jobs", state="waiting") == 2


async def test_the_lateness_is_that_of_the_oldest_due_job_of_each_carrier(servers: Servers) -> None:
    async with delivery_rig(servers, Scripted("one")) as rig:
        account = await rig.account()
        sent = [await rig.send(account) for _ in range(4)]
        for message_id, carrier, late in zip(sent, ("one", "one", "two", ""), (60, 5, -60, 7), strict=True):
            change = "set carrier = $1, due_at = delivery_now() - $2::integer * 1000"
            await rig.rig.rows(f"update delivery_job {change} where message_id = $3", carrier, late, message_id)
        due = await rig.store.backlog(MOST)
        backlog(due, await rig.store.oldest_due(due, 100))
    assert 60 <= measured("due_seconds", carrier="one") < 70
    assert 7 <= measured("due_seconds", carrier="to be chosen") < 17
    assert measured("due_seconds", carrier="two") == 0
    assert measured("due_jobs", carrier="one") == 2
