"""Whose texts go first: accounts take turns, and texts have their carrier as soon as all is known that it takes."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest

from deploy.local.servers import Servers
from services.delivery.handlers import Texts
from services.delivery.jobs import Claimed, DueJob
from shared.contract import dates
from shared.contract.sms import RemoteSmsSendRequest
from tests.integration.delivery_rig import NUMBER, DeliveryRig, Scripted, delivery_rig
from tests.integration.mailbox_rig import context

_TO_ONE = "update delivery_job set carrier = 'one', expires_at = due_at + 3600000"
_HOUR_MS = 3_600_000


async def _claimed(rig: DeliveryRig, most: int) -> list[Claimed]:
    # Whatever its rate, a carrier has nothing at once when it is new.
    await rig.rig.rows("insert into delivery_pace values ('one', 0) on conflict do nothing")
    await rig.rig.rows("update delivery_pace set free_at = 0")
    return await rig.store.claim("one", most, 1000.0, 60_000, 1)


async def _due(rig: DeliveryRig, most: int) -> list[DueJob]:
    return await rig.store.due(most, 60_000, only_twins=False)


@pytest.mark.parametrize("place", ["to be chosen", "at a carrier"])
async def test_a_campaign_holds_up_nobody(servers: Servers, place: str) -> None:
    async with delivery_rig(servers, Scripted("one")) as rig:
        campaigner, other = await rig.account(), await rig.account()
        for _ in range(30):
            await rig.send(campaigner)
        await rig.send(other)
        if place == "at a carrier":
            await rig.rig.rows(_TO_ONE)
        first = await (_due if place == "to be chosen" else _claimed)(rig, 10)
        assert Counter(job.account_id for job in first) == {campaigner: 5, other: 1}
        # Each gets its own in the order of their dates.
        second = await (_due if place == "to be chosen" else _claimed)(rig, 10)
        ids = [job.message_id for job in (*first, *second) if job.account_id == campaigner]
        assert len(ids) >= 10
        assert ids == list(range(1, len(ids) + 1))


async def test_all_have_their_turn(servers: Servers) -> None:
    async with delivery_rig(servers, Scripted("one")) as rig:
        accounts = [await rig.account() for _ in range(5)]
        for account in accounts:
            for _ in range(3):
                await rig.send(account)
        await rig.rig.rows(_TO_ONE)
        order = [job.account_id for _ in range(8) for job in await _claimed(rig, 2)]
        assert [Counter(order[first : first + 5]) for first in (0, 5, 10)] == [dict.fromkeys(accounts, 1)] * 3


async def _sent(rig: DeliveryRig, request: RemoteSmsSendRequest, msisdn: int | None) -> Sequence[dict[str, object]]:
    account = await rig.account()
    told: list[str] = []
    texts = Texts(rig.rig.mailbox, rig.scene, told.extend, validity_ms=_HOUR_MS)
    await texts.send([(request, context(account, msisdn=msisdn))])
    jobs = await rig.rig.rows(
        "select carrier, in_line, expires_at - due_at as ms from delivery_job where account_id = $1", account
    )
    assert {job["carrier"] for job in jobs} == {*told}
    return jobs


async def test_a_text_of_which_all_is_known_has_its_carrier_at_once(servers: Servers) -> None:
    async with delivery_rig(servers, Scripted("one")) as rig:
        now = RemoteSmsSendRequest((f"+{NUMBER}", "+436990000002"), "hello", None, 0, 0, store=True)
        chosen = {"carrier": "one", "in_line": True, "ms": _HOUR_MS}
        assert await _sent(rig, now, 436990000009) == [chosen, chosen]


@pytest.mark.parametrize("why", ["no sender", "later", "too long", "no file"])
async def test_a_text_of_which_something_is_to_be_known_waits_for_its_carrier(servers: Servers, why: str) -> None:
    async with delivery_rig(servers, Scripted("one")) as rig:
        rig.scene.has_file = why != "no file"
        due = dates.now() + _HOUR_MS if why == "later" else None
        body = "x" * (1_000_000 if why == "too long" else 1)
        request = RemoteSmsSendRequest((f"+{NUMBER}",), body, due, 0, 0, store=True)
        (job,) = await _sent(rig, request, None if why == "no sender" else 436990000009)
        assert (job["carrier"], job["in_line"]) == ("", due is None)


async def test_a_job_gets_in_line_when_it_is_due(servers: Servers) -> None:
    carrier = Scripted("one")
    async with delivery_rig(servers, carrier) as rig:
        account = await rig.account()
        message_id = await rig.send(account, due_at=dates.now() + 1_500)
        assert await _due(rig, 10) == []
        await asyncio.sleep(1.6)
        (job,) = await _due(rig, 10)
        assert job.message_id == message_id


async def test_texts_that_no_account_can_get_take_no_turn_of_those_that_one_can(servers: Servers) -> None:
    async with delivery_rig(servers, Scripted("one")) as rig:
        accounts = [await rig.account() for _ in range(3)]
        for account in accounts:
            await rig.send(account)
        await rig.rig.rows("update delivery_job set may_be_twin = account_id = $1", accounts[-1])
        due = await rig.store.due(2, 60_000, only_twins=True)
        assert [job.account_id for job in due] == [accounts[-1]]
