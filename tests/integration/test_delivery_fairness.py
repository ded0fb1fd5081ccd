"""What is wrong with some messages is no matter of others, and no message is told to be what it is not."""

import asyncio
import time

import pytest

from deploy.local.servers import Servers
from services.delivery.carriers.carrier import EXPIRED, Accepted, Outcome, Refusal, Refused, Submission
from services.delivery.reactions import Sends
from shared.contract import dates
from shared.contract.events import Event, Fact
from shared.mailbox.writes import NewMessage
from tests.integration.delivery_rig import NUMBER, DeliveryRig, Scripted, delivery_rig

FULL = "436990000011"
_OTHERS = 20
_TO_ONE = "update delivery_job set carrier = 'one', expires_at = due_at + 3600000 where state = 'waiting'"
_NO_PACE = (
    "insert into delivery_pace (carrier, free_at) values ('one', 0) on conflict (carrier) do update set free_at = 0"
)
_SOON = "update delivery_job set expires_at = delivery_now() + $2::bigint where message_id = any ($1::integer[])"
_STATES = "select state from delivery_job where message_id = any ($1::integer[])"


class _FullPhone(Scripted):
    """A carrier of a number that has no room."""

    def __init__(self, rate: float) -> None:
        super().__init__("one", rate=rate)
        self.accepted = 0
        self.done = asyncio.Event()

    async def submit(self, submission: Submission) -> Outcome:
        self.got.append(submission)
        if submission.recipient == FULL:
            return Refused(Refusal.FULL, "0x14", 10.0)
        self.accepted += 1
        if self.accepted == _OTHERS:
            self.done.set()
        return Accepted((f"one-{submission.job_id}",))


async def test_messages_to_a_full_phone_take_nothing_of_the_rate(servers: Servers) -> None:
    carrier = _FullPhone(rate=20.0)
    async with delivery_rig(servers, carrier, delivery_lease_seconds=30.0) as rig:
        one, other = await rig.account(), await rig.account()
        for _ in range(200):
            await rig.send(one, recipient=FULL)
        for nth in range(_OTHERS):
            await rig.send(other, recipient=f"43699100{nth:04}")
        began = time.monotonic()
        async with rig.worker().running():
            async with asyncio.timeout(20):
                await carrier.done.wait()
        # By turns, one account's 200 would take as much of the rate as the other's 20: twice the time, and more.
        assert time.monotonic() - began < 5
        assert len(carrier.got) - carrier.accepted <= carrier.window


async def test_what_is_claimed_is_not_told_to_have_expired(servers: Servers) -> None:
    """One whose message is gone was in its claim, and it is too late for another one a moment after."""
    async with delivery_rig(servers, Scripted("one")) as rig:
        account = await rig.account()
        for attempt in range(30):
            (gone, *live) = [await rig.send(account) for _ in range(15)]
            await rig.rig.rows(_TO_ONE)
            await rig.rig.rows(_NO_PACE)
            await rig.rig.rows("update message set deleted = true where message_id = $1", gone)
            await rig.rig.rows(_SOON, live, 4 + attempt % 8)
            claimed = [job.message_id for job in await rig.store.claim("one", 100, 10_000.0, 60_000, 1)]
            states = await rig.rig.rows(
                "select state from delivery_job where message_id = any ($1::integer[])", claimed
            )
            assert [row["state"] for row in states] == ["submitting"] * len(claimed)
            await rig.rig.rows("update delivery_job set state = 'done', ended_at = 0")


async def test_what_no_carrier_takes_ends_in_its_time(servers: Servers) -> None:
    carrier = Scripted("one")
    carrier.open = False
    async with delivery_rig(servers, carrier, delivery_validity_seconds=1) as rig, rig.worker().running():
        account = await rig.account()
        sent = await rig.send(account)
        await rig.becomes(account, sent, "done")
        assert (await rig.message(account, sent))["status"] == 3
        assert (await rig.happened(account, sent))[-1] == ("expired", "not sent in its time")
        assert carrier.got == []


async def test_one_that_came_too_late_holds_up_nobody(servers: Servers) -> None:
    carrier = Scripted("one", EXPIRED, Accepted(("id",)))
    async with delivery_rig(servers, carrier) as rig, rig.worker().running():
        account = await rig.account()
        first, second = await rig.send(account), await rig.send(account)
        await rig.becomes(account, second, "accepted")
        assert ("queued", "later: its time is over") in await rig.happened(account, first)
        (pace,) = await rig.rig.rows("select free_at - delivery_now() as ahead from delivery_pace")
        assert pace["ahead"] < 100


async def test_a_carrier_that_is_gone_when_it_answers_gave_receipts_all_the_same(servers: Servers) -> None:
    carrier, asked, answered = Scripted("one"), asyncio.Event(), asyncio.Event()

    async def answer(_: Submission) -> Outcome:
        asked.set()
        await answered.wait()
        return Accepted(("id",))

    carrier.answer = answer
    async with delivery_rig(servers, carrier) as rig, rig.worker().running():
        account = await rig.account()
        sent = await rig.send(account)
        await rig.becomes(account, sent, "submitting")
        async with asyncio.timeout(5):
            await asked.wait()
        rig.scene.receipts = False
        answered.set()
        await rig.becomes(account, sent, "accepted")


async def _asked(rig: DeliveryRig, account: int) -> tuple[int, Event]:
    stored = NewMessage(
        account, f"+{NUMBER}", "hello", dates.now(), read=True, locked=False, origin=1, status=1, incoming=False,
        date_status=None, send=True,
    )  # fmt: skip
    (sent,) = await rig.rig.insert(stored)
    return sent, Event(Fact.SEND_REQUESTED, account, sent, 1, 0)


@pytest.mark.parametrize("status", [0, 2, 3])
async def test_a_status_that_a_device_says_first_loses_no_send(servers: Servers, status: int) -> None:
    async with delivery_rig(servers, Scripted("one")) as rig:
        account = await rig.account()
        sent, event = await _asked(rig, account)
        await rig.rig.rows("update message set status = $1", status)
        assert await Sends(rig.reach, lambda: None).deliver([event]) == []
        assert await rig.rig.rows("select message_id from delivery_job") == [{"message_id": sent}]


async def test_what_went_by_carrier_has_no_twin_though_its_event_comes_again(servers: Servers) -> None:
    async with delivery_rig(servers, Scripted("one")) as rig:
        sender, registered = await rig.account(), await rig.account()
        rig.scene.numbers[sender] = 436990000077
        _, event = await _asked(rig, sender)
        sends = Sends(rig.reach, lambda: None)
        await sends.deliver([event])
        rig.scene.owners[int(NUMBER)] = registered
        await sends.deliver([event])
        assert await rig.rig.rows("select from message where incoming") == []
