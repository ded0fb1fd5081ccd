"""What was sent and not answered waits for what may still say what became of it, and then does as its policy says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from deploy.local.servers import Servers
from services.delivery.carriers.carrier import (
    Accepted,
    Outcome,
    Receipt,
    ReceiptState,
    Refusal,
    Refused,
    Unknown,
    UnknownPolicy,
)
from shared.contract import dates
from tests.integration.delivery_rig import NUMBER, DeliveryRig, Scripted, delivery_rig

_LONG_MS = 60_000


class _Late(Scripted):
    """One whose first answer comes late."""

    def __init__(self, policy: UnknownPolicy, *after: Outcome) -> None:
        super().__init__("one", *after, policy=policy)
        self.late: asyncio.Queue[Outcome] = asyncio.Queue()
        self.outcomes.insert(0, Unknown("no answer", late=self.late.get))


@asynccontextmanager
async def _unknown(servers: Servers, carrier: Scripted, wait_ms: int) -> AsyncIterator[tuple[DeliveryRig, int, int]]:
    """Have a message that waits for an answer."""
    async with delivery_rig(servers, carrier) as rig:
        rig.scene.wait_ms = wait_ms
        account = await rig.account()
        message_id = await rig.send(account)
        async with rig.worker().running():
            await _happens(rig, account, message_id, "unknown")
            yield rig, account, message_id


async def _happens(rig: DeliveryRig, account: int, message_id: int, state: str) -> None:
    async with asyncio.timeout(15):
        while state not in {each for each, _ in await rig.happened(account, message_id)}:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_late_answer_says_what_became_of_it(servers: Servers) -> None:
    carrier = _Late("resend", Accepted(("never",)))
    async with _unknown(servers, carrier, _LONG_MS) as (rig, account, message_id):
        # Longer than the lease, and than a resend without the wait would take.
        await asyncio.sleep(3)
        assert (await rig.becomes(account, message_id, "submitting"))["resends"] == 0
        carrier.late.put_nowait(Accepted(("late",)))
        await rig.becomes(account, message_id, "accepted")
        await rig.arrivals.receipt(Receipt("one", "late", NUMBER, ReceiptState.DELIVERED, "", dates.now()))
        await rig.becomes(account, message_id, "done")
        assert (await rig.message(account, message_id))["status"] == 2
        states = [state for state, _ in await rig.happened(account, message_id)]
        assert states == ["queued", "submitting", "unknown", "accepted", "delivered"]
        assert len(carrier.got) == 1


async def test_a_late_refusal_is_one(servers: Servers) -> None:
    carrier = _Late("resend", Accepted(("never",)))
    async with _unknown(servers, carrier, _LONG_MS) as (rig, account, message_id):
        carrier.late.put_nowait(Refused(Refusal.PERMANENT, "blocked"))
        await rig.becomes(account, message_id, "done")
        assert (await rig.happened(account, message_id))[2:] == [("unknown", "no answer"), ("failed", "blocked")]
        assert len(carrier.got) == 1


async def test_what_a_late_answer_leaves_to_do_is_done(servers: Servers) -> None:
    carrier = _Late("fail", Accepted(("all",)))
    async with _unknown(servers, carrier, _LONG_MS) as (rig, account, message_id):
        carrier.late.put_nowait(Refused(Refusal.LATER, "part 2 of 3: accepted late"))
        kept = await rig.becomes(account, message_id, "accepted")
        assert (kept["resends"], len(carrier.got)) == (0, 2)


@pytest.mark.parametrize(("state", "status"), [(ReceiptState.DELIVERED, 2), (ReceiptState.FAILED, 3)])
@pytest.mark.parametrize("policy", ["resend", "fail"])
async def test_a_receipt_says_it_by_the_id_that_it_will_have(
    servers: Servers, policy: UnknownPolicy, state: ReceiptState, status: int
) -> None:
    carrier = Scripted("one", Unknown("no answer", ("ref",)), policy=policy)
    async with _unknown(servers, carrier, _LONG_MS) as (rig, account, message_id):
        await rig.arrivals.receipt(Receipt("one", "ref", NUMBER, state, "said", dates.now()))
        await rig.becomes(account, message_id, "done")
        assert (await rig.message(account, message_id))["status"] == status
        assert (await rig.happened(account, message_id))[2:] == [("unknown", "no answer"), (state.value, "said")]
        assert len(carrier.got) == 1


async def test_after_its_wait_it_is_sent_once_more(servers: Servers) -> None:
    carrier = _Late("resend", Accepted(("second",)))
    async with _unknown(servers, carrier, 500) as (rig, account, message_id):
        kept = await rig.becomes(account, message_id, "accepted")
        assert (kept["resends"], len(carrier.got)) == (1, 2)
        happened = await rig.happened(account, message_id)
        assert happened[2:4] == [("unknown", "no answer"), ("queued", "nothing more was heard of it")]
        assert [state for state, _ in happened].count("unknown") == 1
        # Whose it is now: the second one's.
        carrier.late.put_nowait(Refused(Refusal.PERMANENT, "blocked"))
        await asyncio.sleep(0.3)
        assert (await rig.becomes(account, message_id, "accepted"))["resends"] == 1


async def test_after_its_wait_it_fails_where_the_policy_says_so(servers: Servers) -> None:
    carrier = _Late("fail")
    async with _unknown(servers, carrier, 500) as (rig, account, message_id):
        await rig.becomes(account, message_id, "done")
        assert (await rig.message(account, message_id))["status"] == 3
        happened = await rig.happened(account, message_id)
        assert happened[2:] == [("unknown", "no answer"), ("failed", "nothing more was heard of it")]
        assert len(carrier.got) == 1


async def test_another_worker_ends_the_wait_of_one_that_is_gone(servers: Servers) -> None:
    carrier = _Late("resend", Accepted(("second",)))
    async with delivery_rig(servers, carrier) as rig:
        rig.scene.wait_ms = 3_000
        account = await rig.account()
        message_id = await rig.send(account)
        async with rig.worker().running():
            await _happens(rig, account, message_id, "unknown")
        async with rig.worker().running():
            await asyncio.sleep(1)
            # Its wait is not over for being another's.
            assert len(carrier.got) == 1
            await rig.becomes(account, message_id, "accepted")
        assert len(carrier.got) == 2
        assert [state for state, _ in await rig.happened(account, message_id)].count("unknown") == 1
