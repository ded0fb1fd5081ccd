"""What must not happen to messages at the edges of delivery: too early, too late, and where something is away."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from deploy.local.servers import Servers
from services.delivery.carriers.carrier import Accepted, Receipt, ReceiptState, Refusal, Refused
from services.delivery.guard_store import SharedGuards
from services.delivery.guards import Cap, Guard, Guards, Reason, Sized
from services.delivery.jobs import Claimed, DueJob, Ended, Routed, Untold
from shared.contract import dates
from shared.postgres.errors import DatabaseTimeout
from tests.integration.delivery_rig import NUMBER, Scene, Scripted, delivery_rig

_DAY_MS = 86_400_000
# For longer than the five seconds that choosing itself may take.
_LEFT_ALONE = """
select lease_until - delivery_now() as ms from delivery_job
where lease_until > delivery_now() + 5000 order by message_id
"""


def _receipt(carrier_id: str) -> Receipt:
    return Receipt("one", carrier_id, NUMBER, ReceiptState.DELIVERED, "", dates.now())


async def test_an_early_receipt_of_one_part_is_no_delivery(servers: Servers) -> None:
    carrier = Scripted("one")
    async with delivery_rig(servers, carrier) as rig:

        async def early(_: object) -> Accepted:
            await rig.arrivals.receipt(_receipt("a"))
            return Accepted(("a", "b"))

        carrier.answer = early
        async with rig.worker().running():
            account = await rig.account()
            message_id = await rig.send(account)
            await rig.becomes(account, message_id, "accepted")
            await asyncio.sleep(0.2)
            await rig.becomes(account, message_id, "accepted")
            await rig.arrivals.receipt(_receipt("b"))
            await rig.becomes(account, message_id, "done")
            assert (await rig.message(account, message_id))["status"] == 2


async def test_what_was_due_long_ago_is_not_sent(servers: Servers) -> None:
    carrier = Scripted("one")
    async with delivery_rig(servers, carrier, delivery_validity_seconds=3600) as rig:
        account = await rig.account()
        message_id = await rig.send(account)
        await rig.rig.rows("update delivery_job set due_at = due_at - $1", 10 * _DAY_MS)
        async with rig.worker().running():
            await rig.becomes(account, message_id, "done")
        assert (await rig.happened(account, message_id))[-1] == ("expired", "not sent in its time")
        assert carrier.got == []


async def test_another_carrier_gets_no_more_time(servers: Servers) -> None:
    first, second = Scripted("first"), Scripted("second", Refused(Refusal.TEMPORARY, "busy"))
    async with delivery_rig(servers, second, delivery_validity_seconds=3600) as rig, rig.worker().running():
        account = await rig.account()
        message_id = await rig.send(account)
        await rig.becomes(account, message_id, "waiting")
        while not second.got:  # noqa: ASYNC110 - the carrier tells nobody
            await asyncio.sleep(0.02)
        (before,) = await rig.rig.rows("select expires_at from delivery_job")
        rig.scene.carriers = {"first": first}
        after = await rig.becomes(account, message_id, "accepted")
        assert after["expires_at"] == before["expires_at"] > dates.now()


async def test_a_status_that_a_device_says_cancels_nothing(servers: Servers) -> None:
    carrier = Scripted("one")
    async with delivery_rig(servers, carrier) as rig:
        account = await rig.account()
        message_id = await rig.send(account)
        await rig.rig.rows("update message set status = 2 where account_id = $1", account)
        async with rig.worker().running():
            await rig.becomes(account, message_id, "accepted")
        assert len(carrier.got) == 1


async def test_a_worker_without_a_file_leaves_texts_alone(servers: Servers) -> None:
    carrier = Scripted("one", policy="resend")
    async with delivery_rig(servers, carrier) as rig:
        account = await rig.account()
        states = ("waiting", "submitting")
        fresh, *routed = [await rig.send(account), *[await rig.send(account) for _ in states]]
        for message_id, state in zip(routed, states, strict=True):
            await rig.rig.rows(
                "update delivery_job set carrier = 'one', expires_at = $3, state = $2 where message_id = $1",
                message_id, state, dates.now() + _DAY_MS,
            )  # fmt: skip
        async with rig.worker(Scene({}, has_file=False)).running():
            await asyncio.sleep(2)
        for message_id in (fresh, *routed):
            assert [state for state, _ in await rig.happened(account, message_id)] == ["queued"]
        async with rig.worker().running():
            for message_id in (fresh, *routed):
                await rig.becomes(account, message_id, "accepted")


async def test_what_waits_for_a_worker_with_a_file_comes_again_seldom(servers: Servers) -> None:
    async with delivery_rig(servers, Scripted("one")) as rig:
        account = await rig.account()
        waited_ms = {await rig.send(account): ms for ms in (0, 200_000, _DAY_MS)}
        for message_id, ms in waited_ms.items():
            await rig.rig.rows("update delivery_job set due_at = due_at - $2 where message_id = $1", message_id, ms)
        async with rig.worker(Scene({}, has_file=False)).running():
            async with asyncio.timeout(15):
                while len(left := await rig.rig.rows(_LEFT_ALONE)) < 2:  # noqa: ASYNC110 - looked at from outside
                    await asyncio.sleep(0.05)
        assert 15_000 < left[0]["ms"] <= 23_000
        assert 50_000 < left[1]["ms"] <= 60_000


class _OnceAway(SharedGuards):
    away = True

    async def refusals(self, messages: Sequence[Sized], caps: Sequence[Cap]) -> Sequence[Reason | None]:
        if self.away:
            self.away = False
            raise DatabaseTimeout("away")
        return await super().refusals(messages, caps)


async def test_a_cap_holds_though_the_guards_were_away_at_first(servers: Servers) -> None:
    carrier = Scripted("one")
    async with delivery_rig(servers, carrier) as rig:
        account = await rig.account()
        sent = [await rig.send(account) for _ in range(5)]
        guard = Guard(_OnceAway(rig.rig.database), lambda: Guards(caps=(Cap(parts=1),)))
        async with rig.worker(guard=guard).running():
            for message_id in sent:
                await rig.rig.rows("update delivery_pace set free_at = 0")
                while (await rig.happened(account, message_id))[-1][0] not in {"accepted", "failed"}:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        assert len(carrier.got) == 1


async def test_texts_whose_sender_is_known_go_while_nobody_says_whose_a_number_is(servers: Servers) -> None:
    carrier = Scripted("one")
    async with delivery_rig(servers, carrier) as rig:
        account = await rig.account()
        rig.scene.away = True
        nameless, named = await rig.text(account, store=True), await rig.text(account, store=True, sender=NUMBER)
        async with rig.worker().running():
            await rig.becomes(account, named, "accepted")
            await rig.becomes(account, nameless, "waiting")
            rig.scene.away = False
            await rig.becomes(account, nameless, "accepted")


async def test_jobs_whose_receipts_are_missing_end_though_others_cannot_be_matched(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def match_parked(_: int) -> int:
        raise DatabaseTimeout("too many")

    async with delivery_rig(servers, Scripted("one")) as rig:
        monkeypatch.setattr(rig.store, "match_parked", match_parked)
        account = await rig.account()
        message_id = await rig.send(account)
        async with rig.worker().running():
            await rig.becomes(account, message_id, "accepted")
            await rig.rig.rows("update delivery_job set due_at = 1")
            await rig.becomes(account, message_id, "done")
        assert (await rig.happened(account, message_id))[-1] == ("expired", "no receipt in its time")


@pytest.mark.parametrize("way", ["told", "postpone", "end"])
async def test_rows_are_locked_in_the_order_of_their_key(servers: Servers, way: str) -> None:
    async with delivery_rig(servers, Scripted("one")) as rig:
        account = await rig.account()
        sent = [await rig.send(account) for _ in range(20)]
        keys = [Untold(account, message_id, 2, 1) for message_id in reversed(sent)]
        lock = "select from delivery_job where account_id = $1 and message_id = $2 for update nowait"
        other = await asyncpg.connect(rig.rig.url)
        async with other.transaction():
            await other.execute(lock, account, sent[0])
            ways = {
                "told": lambda: rig.store.told(keys),
                "postpone": lambda: rig.store.postpone(_due(keys), 1),
                "end": lambda: rig.store.end([Ended(*key[:2], "failed", "no route") for key in keys], is_told=False),
            }
            waiting = asyncio.create_task(ways[way]())
            await asyncio.sleep(0.5)
            assert not waiting.done()
            for message_id in sent[1:]:
                await other.execute(lock, account, message_id)
        await waiting
        await other.close()


@pytest.mark.parametrize(("is_told", "ended"), [(False, "waiting"), (True, "done")])
async def test_a_job_that_another_worker_gave_to_a_carrier_is_not_refused(
    servers: Servers, *, is_told: bool, ended: str
) -> None:
    async with delivery_rig(servers, Scripted("one")) as rig:
        account = await rig.account()
        key = account, await rig.send(account)
        await rig.store.route([Routed(*key, "one", "")], _DAY_MS)
        await rig.store.end([Ended(*key, "failed", "no route")], is_told=is_told)
        await rig.becomes(*key, ended)


def _due(keys: Sequence[Untold]) -> list[DueJob]:
    return [DueJob(*key[:2], 1, NUMBER, "", "", 0, True, False, 0, 0) for key in keys]


async def test_a_claim_takes_no_more_text_than_fits(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.delivery.store.PART_OCTETS", len("hello") - 1)
    async with delivery_rig(servers, Scripted("one")) as rig:
        account = await rig.account()
        for _ in range(3):
            await rig.send(account)
        await rig.rig.rows("update delivery_job set carrier = 'one', expires_at = due_at + $1", _DAY_MS)
        assert await rig.store.claim("one", 10, 1000.0, 60_000, 1) == []
        await asyncio.sleep(0.1)
        assert [len(await rig.store.claim("one", 10, 1000.0, 60_000, claim)) for claim in (2, 3)] == [1, 1]


async def test_no_carrier_is_asked_for_more_parts_than_there_can_be(servers: Servers) -> None:
    async with delivery_rig(servers, Scripted("one")) as rig:
        account = await rig.account()
        message_id = await rig.send(account)
        await rig.rig.rows("update message set body = repeat('x', 1000000)")
        async with rig.worker().running():
            await rig.becomes(account, message_id, "done")
        assert await rig.happened(account, message_id) == [("queued", ""), ("failed", "too many parts")]


async def test_a_claim_whose_answer_is_lost_makes_nothing_unknown(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrier = Scripted("one", policy="fail")
    async with delivery_rig(servers, carrier, delivery_lease_seconds=60.0) as rig:
        claim, lost = rig.store.claim, asyncio.Event()

        async def unheard(*arguments: Any) -> list[Claimed]:
            jobs = await claim(*arguments)
            if jobs and not lost.is_set():
                lost.set()
                raise DatabaseTimeout("no answer in time")
            return jobs

        monkeypatch.setattr(rig.store, "claim", unheard)
        account = await rig.account()
        async with rig.worker().running():
            message_id = await rig.send(account)
            await rig.becomes(account, message_id, "accepted")
        assert lost.is_set()
        assert [state for state, _ in await rig.happened(account, message_id)] == [
            "queued", "submitting", "queued", "submitting", "accepted",
        ]  # fmt: skip
        assert len(carrier.got) == 1


async def test_a_claim_that_is_still_to_be_made_is_taken_back(servers: Servers) -> None:
    async with delivery_rig(servers, Scripted("one")) as rig:
        account = await rig.account()
        message_id = await rig.send(account)
        await rig.store.route([Routed(account, message_id, "one", "")], _DAY_MS)
        assert await rig.store.claim("one", 0, 1000.0, 60_000, 1) == []
        await asyncio.sleep(0.1)
        connection = await asyncpg.connect(rig.rig.url)
        try:
            async with connection.transaction():
                claimed = await connection.fetch("select from delivery_claim('one', 10, 1000000, 1000.0, 60000, 2)")
                back = asyncio.create_task(rig.store.unclaim("one", 2))
                await asyncio.sleep(0.2)
                assert not back.done()
            await back
        finally:
            await connection.close()
        assert len(claimed) == 1
        await rig.becomes(account, message_id, "waiting")
        (job,) = await rig.store.claim("one", 10, 1000.0, 60_000, 3)
        assert (job.message_id, job.attempts) == (message_id, 0)
