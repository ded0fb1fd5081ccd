"""What carriers say of submissions, and what becomes of the messages."""

import asyncio
from collections.abc import Collection, Sequence

import pytest

from deploy.local.servers import Servers
from services.delivery.carriers.carrier import Accepted, NotSent, Refusal, Refused, Unknown, UnknownPolicy
from services.delivery.guard_store import SharedGuards
from services.delivery.guards import Check, Guard, Guards, Reason
from services.delivery.jobs import Conclusion
from services.delivery.senders import Senders
from shared.contract import dates
from tests.integration.delivery_rig import NUMBER, DeliveryRig, Scene, Scripted, delivery_rig

OTHER = "436990000002"
_BUSY = Refused(Refusal.TEMPORARY, "busy")
_NEVER = Refused(Refusal.PERMANENT, "blocked")


async def test_accepted_it_stays_pending(servers: Servers) -> None:
    carrier = Scripted("one")
    async with delivery_rig(servers, carrier) as rig, rig.worker().running():
        account = await rig.account()
        message_id = await rig.send(account)
        await rig.becomes(account, message_id, "accepted")
        (submission,) = carrier.got
        assert (submission.text, submission.recipient, submission.sender) == ("hello", "436990000001", "")
        assert submission.expires_at > dates.now()
        assert (await rig.message(account, message_id))["status"] == 1
        assert [state for state, _ in await rig.happened(account, message_id)] == ["queued", "submitting", "accepted"]


@pytest.mark.parametrize("attempts", [1, 3])
async def test_refused_for_a_time_it_is_tried_again(servers: Servers, attempts: int) -> None:
    carrier = Scripted("one", *[_BUSY] * attempts, Accepted(("id",)))
    async with delivery_rig(servers, carrier) as rig, rig.worker().running():
        account = await rig.account()
        message_id = await rig.send(account)
        kept = await rig.becomes(account, message_id, "accepted")
        assert (kept["attempts"], len(carrier.got)) == (attempts, attempts + 1)
        assert ("queued", "temporary: busy") in await rig.happened(account, message_id)


async def test_a_number_goes_out_in_its_one_form(servers: Servers) -> None:
    carrier = Scripted("one")
    async with delivery_rig(servers, carrier) as rig, rig.worker().running():
        await rig.send(await rig.account(), recipient=f"430{NUMBER[2:]}")
        await _got(carrier)
        assert [each.recipient for each in carrier.got] == [NUMBER]


async def test_refused_too_often_it_fails(servers: Servers) -> None:
    carrier = Scripted("one", _BUSY)
    async with delivery_rig(servers, carrier) as rig, rig.worker().running():
        await _fails(rig, "temporary: busy")
        assert len(carrier.got) == 4


async def test_refused_for_good_it_fails_at_once(servers: Servers) -> None:
    carrier = Scripted("one", _NEVER)
    async with delivery_rig(servers, carrier) as rig, rig.worker().running():
        await _fails(rig, "blocked")
        assert len(carrier.got) == 1


async def test_a_text_that_is_stored_becomes_unsent_and_counts_so(servers: Servers) -> None:
    async with delivery_rig(servers, Scripted("one", _NEVER)) as rig, rig.worker().running():
        account = await rig.account()
        message_id = await rig.text(account, store=True)
        await rig.becomes(account, message_id, "done")
        assert (await rig.message(account, message_id))["status"] == 5
        await rig.rig.assert_counted(account)
        (conversation,) = await rig.rig.mailbox.conversations(account, timeout=5)
        assert conversation["messagesUnsent"] == 1


async def test_a_text_that_is_not_stored_leaves_only_its_timeline(servers: Servers) -> None:
    async with delivery_rig(servers, Scripted("one", _NEVER)) as rig, rig.worker().running():
        account = await rig.account()
        message_id = await rig.text(account, store=False)
        kept = await rig.becomes(account, message_id, "done")
        assert (kept["body"], kept["status"]) == (None, None)
        assert (await rig.happened(account, message_id))[-1] == ("failed", "blocked")
        assert await rig.rig.rows("select from message where account_id = $1", account) == []


async def test_another_carrier_gets_what_the_first_cannot_take(servers: Servers) -> None:
    for reason in (_BUSY, NotSent("away"), Refused(Refusal.ACCOUNT, "no money")):
        first, second = Scripted("first", reason), Scripted("second")
        async with delivery_rig(servers, first, second) as rig, rig.worker().running():
            account = await rig.account()
            message_id = await rig.send(account)
            kept = await rig.becomes(account, message_id, "accepted")
            assert (kept["carrier"], kept["tried"], len(first.got)) == ("second", ["first"], 1)


async def test_a_carrier_that_wants_it_slower_gets_a_rest_and_nobody_is_blamed(servers: Servers) -> None:
    slower = Refused(Refusal.SLOW_DOWN, "throttled", 3.0)
    carrier = Scripted("one", slower, slower, Accepted(("id",)))
    async with delivery_rig(servers, carrier) as rig, rig.worker().running():
        account = await rig.account()
        # One number alone would rest by itself.
        first = [await rig.send(account), await rig.send(account, recipient=f"{NUMBER}1")]
        await _got(carrier, 2)
        for each in first:
            await rig.becomes(account, each, "waiting")
        second, at = await rig.send(account, recipient=f"{NUMBER}2"), dates.now()
        kept = [await rig.becomes(account, each, "accepted") for each in (*first, second)]
        assert [each["attempts"] for each in kept] == [0, 0, 0]
        (row,) = await rig.rig.rows(
            "select min(at) as at from delivery_timeline where state = 'submitting' and message_id = $1", second
        )
        # Without the rest it takes as long as the loops sleep, which is less than a second.
        assert row["at"] - at > 2_000


async def test_unknown_is_sent_again_where_the_carrier_says_so(servers: Servers) -> None:
    carrier = Scripted("one", Unknown("no answer"), Accepted(("id",)))
    async with delivery_rig(servers, carrier) as rig, rig.worker().running():
        account = await rig.account()
        message_id = await rig.send(account)
        await rig.becomes(account, message_id, "accepted")
        assert len(carrier.got) == 2
        assert ("unknown", "no answer") in await rig.happened(account, message_id)


async def test_unknown_fails_where_the_carrier_says_nothing(servers: Servers) -> None:
    carrier = Scripted("one", Unknown("no answer"), policy="fail")
    async with delivery_rig(servers, carrier) as rig, rig.worker().running():
        happened = await _fails(rig, "no answer")
        assert happened[-2:] == [("unknown", "no answer"), ("failed", "no answer")]
        assert len(carrier.got) == 1


@pytest.mark.parametrize(("policy", "times", "ends"), [("resend", 2, "accepted"), ("fail", 1, "done")])
async def test_what_a_dead_worker_had_is_unknown(
    servers: Servers, policy: UnknownPolicy, times: int, ends: str
) -> None:
    carrier = Scripted("one", policy=policy)
    async with delivery_rig(servers, carrier) as rig:
        account = await rig.account()
        message_id = await rig.send(account)

        async def dies(_: object) -> Accepted:
            raise asyncio.CancelledError

        carrier.answer = dies
        async with rig.worker().running():
            await _got(carrier)
        carrier.answer = None
        async with rig.worker().running():
            await rig.becomes(account, message_id, ends)
        assert ("unknown", "its worker is gone") in await rig.happened(account, message_id)
        assert len(carrier.got) == times


async def test_an_answer_that_is_late_is_taken_while_nobody_sent_it_again(servers: Servers) -> None:
    carrier = Scripted("one", Unknown("no answer"))
    async with delivery_rig(servers, carrier, delivery_retry_seconds=60) as rig:
        account = await rig.account()
        message_id = await rig.send(account)
        async with rig.worker().running():
            await _got(carrier)
            claim = (await rig.becomes(account, message_id, "waiting"))["claim"]
        late = Conclusion(
            account, message_id, claim, "accepted", "one", "accepted", 60_000, "one", "[]", 0, 0, '["late"]', True
        )
        assert await rig.store.conclude([late]) == set()
        assert (await rig.becomes(account, message_id, "accepted"))["claim"] == claim
        # Said once more it comes too late, and changes nothing.
        assert await rig.store.conclude([late._replace(claim=0)]) == {(account, message_id)}
        assert (await rig.happened(account, message_id))[-1] == ("accepted", "one")


async def test_what_is_too_old_is_never_sent(servers: Servers) -> None:
    carrier = Scripted("one", _BUSY)
    async with (
        delivery_rig(
            servers, carrier, delivery_validity_seconds=1, delivery_retry_seconds=1.5, delivery_attempts=9
        ) as rig,
        rig.worker().running(),
    ):
        account = await rig.account()
        message_id = await rig.send(account)
        await rig.becomes(account, message_id, "done")
        assert (await rig.happened(account, message_id))[-1] == ("expired", "not sent in its time")
        assert (await rig.message(account, message_id))["status"] == 3
        assert len(carrier.got) == 1


async def test_a_message_that_was_deleted_is_not_sent_again(servers: Servers) -> None:
    carrier = Scripted("one", _BUSY)
    async with delivery_rig(servers, carrier, delivery_retry_seconds=1.0) as rig, rig.worker().running():
        account = await rig.account()
        message_id = await rig.send(account)
        await _got(carrier)
        await rig.rig.rows(
            "select from message_delete_list(array[$1::bigint], array['{1}'], '', '{null}', '{null}', false)", account
        )
        await rig.becomes(account, message_id, "done")
        assert (await rig.happened(account, message_id))[-1] == ("cancelled", "the message is gone")
        assert len(carrier.got) == 1


async def test_a_rate_is_one_for_all_workers(servers: Servers) -> None:
    carrier = Scripted("one", rate=10.0)
    async with delivery_rig(servers, carrier) as rig:
        account = await rig.account()
        sent = [await rig.send(account) for _ in range(20)]
        async with rig.worker().running(), rig.worker().running():
            await _got(carrier, 20)
        assert sorted(each.message_id for each in carrier.got) == sent
        (row,) = await rig.rig.rows("select max(at) - min(at) as ms from delivery_timeline where state = 'submitting'")
        # 3 may be caught up at once; alone, each worker would have half of them.
        assert row["ms"] >= 1_600


async def test_jobs_of_a_carrier_that_is_no_more_go_to_another(servers: Servers) -> None:
    gone, stays = Scripted("gone", NotSent("away")), Scripted("stays")
    async with delivery_rig(servers, gone) as rig, rig.worker().running():
        account = await rig.account()
        message_id = await rig.send(account)
        await _got(gone)
        rig.scene.carriers = {"stays": stays}
        kept = await rig.becomes(account, message_id, "accepted")
        assert (kept["carrier"], len(stays.got)) == ("stays", 1)


async def test_what_a_carrier_says_may_be_any_text(servers: Servers) -> None:
    carrier = Scripted("one", Refused(Refusal.TEMPORARY, "a\0b\ud800"), Accepted(("id\0\udfff",)))
    async with delivery_rig(servers, carrier) as rig, rig.worker().running():
        account = await rig.account()
        message_id = await rig.send(account)
        await rig.becomes(account, message_id, "accepted")
        (part,) = await rig.rig.rows("select carrier_id from delivery_part")
        assert part["carrier_id"].startswith("id\ufffd")


async def test_one_that_cannot_be_checked_takes_nobody_along(servers: Servers) -> None:
    class Broken(Guard):
        async def refusals(self, checks: Sequence[Check]) -> Sequence[Reason | None]:
            if any(check.submission.recipient == OTHER for check in checks):
                raise LookupError
            return await super().refusals(checks)

    carrier = Scripted("one")
    async with delivery_rig(servers, carrier) as rig:
        account = await rig.account()
        sent = [await rig.send(account, recipient=recipient) for recipient in (NUMBER, OTHER, NUMBER)]
        async with rig.worker(guard=Broken(SharedGuards(rig.rig.database), Guards)).running():
            for message_id, state in zip(sent, ("accepted", "done", "accepted"), strict=True):
                await rig.becomes(account, message_id, state)
        assert (await rig.happened(account, sent[1]))[-1] == ("failed", "temporary: it could not be checked")
        assert len(carrier.got) == 2


@pytest.mark.parametrize(("twin", "status"), [(False, 5), (True, 3)])
async def test_a_sender_that_its_country_does_not_allow_fails(servers: Servers, status: int, *, twin: bool) -> None:
    carrier = Scripted("one")
    guards = Guards(senders=(Senders(countries=frozenset({"AT"}), names=frozenset({"Firm"})),))
    async with delivery_rig(servers, carrier) as rig:
        account = await rig.account()
        guard = Guard(SharedGuards(rig.rig.database), lambda: guards)
        async with rig.worker(guard=guard).running():
            message_id = await (rig.send(account) if twin else rig.text(account, store=True, sender="436990000009"))
            await rig.becomes(account, message_id, "done")
            assert (await rig.message(account, message_id))["status"] == status
            assert (await rig.happened(account, message_id))[-1] == ("failed", Reason.SENDER)
        assert carrier.got == []


async def test_one_that_cannot_be_decided_takes_nobody_along(servers: Servers) -> None:
    class Broken(Scene):
        def choose(self, recipient: str, sender: str, tried: Collection[str]) -> str | None:
            if recipient == OTHER:
                raise LookupError
            return super().choose(recipient, sender, tried)

    carrier = Scripted("one")
    async with delivery_rig(servers, carrier) as rig:
        rig.scene = Broken(rig.scene.carriers)
        account = await rig.account()
        sent = [await rig.send(account, recipient=recipient) for recipient in (NUMBER, OTHER, NUMBER)]
        async with rig.worker().running():
            for message_id in (sent[0], sent[2]):
                await rig.becomes(account, message_id, "accepted")


async def test_a_drained_worker_leaves_nothing_behind(servers: Servers) -> None:
    carrier = Scripted("one")
    async with delivery_rig(servers, carrier) as rig:
        account = await rig.account()
        for _ in range(30):
            await rig.send(account)
        worker = rig.worker()
        async with worker.running():
            await _got(carrier)
            await worker.drain(10)
        states = await rig.rig.rows("select state, count(*)::int as jobs from delivery_job group by state")
        left = {row["state"]: row["jobs"] for row in states}
        assert left["accepted"] == len(carrier.got)
        assert left.keys() <= {"accepted", "waiting"}


async def _got(carrier: Scripted, count: int = 1) -> None:
    async with asyncio.timeout(15):
        while len(carrier.got) < count:  # noqa: ASYNC110 - the carrier tells nobody
            await asyncio.sleep(0.01)


async def _fails(rig: DeliveryRig, reason: str) -> list[tuple[str, str]]:
    account = await rig.account()
    message_id = await rig.send(account)
    before = dates.now()
    await rig.becomes(account, message_id, "done")
    message = await rig.message(account, message_id)
    assert message["status"] == 3
    assert before - 1000 <= message["dateStatus"] <= dates.now()
    happened = await rig.happened(account, message_id)
    assert happened[-1] == ("failed", reason)
    return happened
