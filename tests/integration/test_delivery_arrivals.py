"""Receipts and inbound messages: once each, whenever they come."""

import asyncio
import itertools

import pytest

from deploy.local.servers import Servers
from services.delivery import arrivals
from services.delivery.carriers.carrier import Accepted, Inbound, Receipt, ReceiptState, Unknown, UnknownPolicy
from shared.contract import dates
from tests.integration.delivery_rig import NUMBER, DeliveryRig, Scripted, delivery_rig

_DELIVERED, _FAILED, _EXPIRED = ReceiptState.DELIVERED, ReceiptState.FAILED, ReceiptState.EXPIRED
_PARKED = "select carrier_id from delivery_parked order by carrier_id"
_OWN = 436990000005


def _receipt(
    carrier_id: str, state: ReceiptState = _DELIVERED, reason: str = "", number: str | None = NUMBER
) -> Receipt:
    return Receipt("one", carrier_id, number, state, reason, dates.now())


async def _accepted(rig: DeliveryRig) -> tuple[int, int]:
    account = await rig.account()
    message_id = await rig.send(account)
    await rig.becomes(account, message_id, "accepted")
    return account, message_id


async def test_a_receipt_completes_a_message_once(servers: Servers) -> None:
    async with delivery_rig(servers, Scripted("one", Accepted(("id",)))) as rig, rig.worker().running():
        account, message_id = await _accepted(rig)
        for number in (None, NUMBER):
            await rig.arrivals.receipt(_receipt("id", number=number))
        await rig.becomes(account, message_id, "done")
        message = await rig.message(account, message_id)
        assert message["status"] == 2
        assert message["dateSent"] <= message["dateStatus"] <= dates.now()
        await rig.arrivals.receipt(_receipt("id", _FAILED, "too late"))
        states = [state for state, _ in await rig.happened(account, message_id)]
        assert states == ["queued", "submitting", "accepted", "delivered"]
        assert await rig.message(account, message_id) == message


@pytest.mark.parametrize("state", [_FAILED, _EXPIRED])
async def test_a_bad_receipt_fails_it(servers: Servers, state: ReceiptState) -> None:
    async with delivery_rig(servers, Scripted("one", Accepted(("id",)))) as rig, rig.worker().running():
        account, message_id = await _accepted(rig)
        await rig.arrivals.receipt(_receipt("id", ReceiptState.INTERMEDIATE))
        await rig.arrivals.receipt(_receipt("id", state, "absent"))
        await rig.becomes(account, message_id, "done")
        assert (await rig.message(account, message_id))["status"] == 3
        assert (await rig.happened(account, message_id))[-1] == (state.value, "absent")


async def test_a_receipt_before_the_answer_waits_for_it(servers: Servers) -> None:
    carrier = Scripted("one")
    async with delivery_rig(servers, carrier) as rig:

        async def early(_: object) -> Accepted:
            await rig.arrivals.receipt(_receipt("id"))
            await rig.arrivals.receipt(_receipt("id"))
            return Accepted(("id",))

        carrier.answer = early
        async with rig.worker().running():
            account = await rig.account()
            message_id = await rig.send(account)
            await rig.becomes(account, message_id, "done")
            assert (await rig.message(account, message_id))["status"] == 2
            assert await rig.rig.rows(_PARKED) == []


async def test_a_parked_receipt_is_looked_at_again(servers: Servers) -> None:
    async with delivery_rig(servers, Scripted("one", Accepted(("id",)))) as rig, rig.worker().running():
        account, message_id = await _accepted(rig)
        # As if it had come in the moment in which the answer was kept.
        await rig.rig.rows(
            "insert into delivery_parked values ('one', 'id', '', 'delivered', '', $1, delivery_now())", dates.now()
        )
        await rig.becomes(account, message_id, "done")
        assert await rig.rig.rows(_PARKED) == []


async def test_receipts_of_nothing_are_kept(servers: Servers) -> None:
    async with delivery_rig(servers, Scripted("one", Accepted(("id",)))) as rig, rig.worker().running():
        account, message_id = await _accepted(rig)
        for receipt in (
            _receipt("unknown"), _receipt("unknown"), _receipt("id", number="436990000009"),
            _receipt("id")._replace(carrier="two"),
        ):  # fmt: skip
            await rig.arrivals.receipt(receipt)
        assert [row["carrier_id"] for row in await rig.rig.rows(_PARKED)] == ["id", "id", "unknown"]
        assert (await rig.message(account, message_id))["status"] == 1


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_a_long_message_is_delivered_when_all_its_parts_are(servers: Servers, order: tuple[int, ...]) -> None:
    carrier = Scripted("one", Accepted(("a", "b", "c")))
    async with delivery_rig(servers, carrier) as rig, rig.worker().running():
        account, message_id = await _accepted(rig)
        for place in order:
            assert (await rig.message(account, message_id))["status"] == 1
            await rig.arrivals.receipt(_receipt("abc"[place]))
        await rig.becomes(account, message_id, "done")
        assert (await rig.message(account, message_id))["status"] == 2


async def test_a_long_message_fails_when_a_part_does(servers: Servers) -> None:
    async with delivery_rig(servers, Scripted("one", Accepted(("a", "b")))) as rig, rig.worker().running():
        account, message_id = await _accepted(rig)
        for carrier_id, state in (("a", _DELIVERED), ("b", _FAILED), ("b", _DELIVERED)):
            await rig.arrivals.receipt(_receipt(carrier_id, state))
        await rig.becomes(account, message_id, "done")
        assert (await rig.message(account, message_id))["status"] == 3


async def test_a_part_stays_what_it_became(servers: Servers) -> None:
    async with delivery_rig(servers, Scripted("one", Accepted(("a", "b")))) as rig, rig.worker().running():
        account, message_id = await _accepted(rig)
        for carrier_id, state in (("a", _DELIVERED), ("a", _FAILED), ("b", _DELIVERED)):
            await rig.arrivals.receipt(_receipt(carrier_id, state))
        await rig.becomes(account, message_id, "done")
        assert (await rig.message(account, message_id))["status"] == 2


async def test_receipts_that_are_kept_together_have_the_effect_of_one_after_the_other(servers: Servers) -> None:
    parts = [("a",), ("b",), ("c", "d"), ("e", "f"), ("g", "h"), ("i",), ("j",)]
    carrier = Scripted("one", *map(Accepted, parts))
    async with delivery_rig(servers, carrier) as rig:
        account = await rig.account()
        async with rig.worker().running():
            sent = []
            for _ in parts[:-1]:
                sent.append(await rig.send(account))
                await rig.becomes(account, sent[-1], "accepted")
            hidden = await rig.text(account, store=False, sender=NUMBER)
            await rig.becomes(account, hidden, "accepted")
            matched = await rig.store.receipts([
                _receipt("unknown"), _receipt("d"), _receipt("a"), _receipt("e", _FAILED), _receipt("b", _EXPIRED),
                _receipt("c"), _receipt("f"), _receipt("g"), _receipt("unknown"), _receipt("g", _FAILED),
                _receipt("i", ReceiptState.INTERMEDIATE), _receipt("j"), _receipt("e"),
                _receipt("a", number="436990000009"),
            ])  # fmt: skip
            ends = [(await rig.happened(account, each))[-1][0] for each in [*sent, hidden]]
        assert matched == 11
        assert ends == ["delivered", "expired", "delivered", "failed", "accepted", "accepted", "delivered"]
        assert [row["carrier_id"] for row in await rig.rig.rows(_PARKED)] == ["a", "unknown"]


async def test_a_message_without_a_receipt_expires(servers: Servers) -> None:
    async with delivery_rig(servers, Scripted("one", Accepted(("id",)))) as rig, rig.worker().running():
        account, message_id = await _accepted(rig)
        await rig.rig.rows("update delivery_job set due_at = delivery_now() - 1 where account_id = $1", account)
        await rig.becomes(account, message_id, "done")
        assert (await rig.happened(account, message_id))[-1] == ("expired", "no receipt in its time")
        assert (await rig.message(account, message_id))["status"] == 3


async def test_a_carrier_without_receipts_completes_it(servers: Servers) -> None:
    async with delivery_rig(servers, Scripted("one")) as rig, rig.worker().running():
        rig.scene.receipts = False
        account = await rig.account()
        message_id = await rig.send(account)
        await rig.becomes(account, message_id, "done")
        assert (await rig.message(account, message_id))["status"] == 2


async def test_what_is_sent_twice_for_want_of_an_answer_has_both_receipts(servers: Servers) -> None:
    carrier = Scripted("one", Unknown("no answer"), Accepted(("second",)))
    async with delivery_rig(servers, carrier) as rig, rig.worker().running():
        account, message_id = await _accepted(rig)
        await rig.arrivals.receipt(_receipt("first", _FAILED))
        await rig.arrivals.receipt(_receipt("second"))
        await rig.becomes(account, message_id, "done")
        assert (await rig.message(account, message_id))["status"] == 2
        assert [row["carrier_id"] for row in await rig.rig.rows(_PARKED)] == ["first"]


@pytest.mark.parametrize("policy", ["resend", "fail"])
async def test_a_receipt_says_what_no_answer_did(servers: Servers, policy: UnknownPolicy) -> None:
    carrier = Scripted("one", policy=policy)
    async with delivery_rig(servers, carrier, delivery_retry_seconds=60.0) as rig:

        async def early(_: object) -> Unknown:
            if policy == "fail":
                await rig.arrivals.receipt(_receipt("ref"))
            return Unknown("no answer", ("ref",))

        carrier.answer = early
        async with rig.worker().running():
            account = await rig.account()
            message_id = await rig.send(account)
            if policy == "resend":
                await _happens(rig, account, message_id, "unknown")
                await rig.arrivals.receipt(_receipt("ref"))
            await rig.becomes(account, message_id, "done")
            assert (await rig.message(account, message_id))["status"] == 2
            states = [state for state, _ in await rig.happened(account, message_id)]
            assert states == ["queued", "submitting", "unknown", "delivered"]
            assert len(carrier.got) == 1


async def test_only_the_carrier_that_has_it_fails_it(servers: Servers) -> None:
    lost, has = Scripted("lost", Unknown("no answer", ("ref", "ref-2"))), Scripted("has", Accepted(("id",)))
    async with delivery_rig(servers, lost, has) as rig, rig.worker().running():
        account = await rig.account()
        message_id = await rig.send(account)
        await _happens(rig, account, message_id, "unknown")
        rig.scene.carriers = {"has": has}
        await rig.becomes(account, message_id, "accepted")
        await rig.arrivals.receipt(_receipt("ref", _FAILED, "absent")._replace(carrier="lost"))
        await rig.becomes(account, message_id, "accepted")
        await rig.arrivals.receipt(_receipt("id")._replace(carrier="has"))
        await rig.becomes(account, message_id, "done")
        assert (await rig.message(account, message_id))["status"] == 2


async def _happens(rig: DeliveryRig, account: int, message_id: int, state: str) -> None:
    async with asyncio.timeout(15):
        while state not in {each for each, _ in await rig.happened(account, message_id)}:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_an_inbound_message_is_one_message(servers: Servers) -> None:
    async with delivery_rig(servers) as rig:
        account = await rig.account()
        rig.scene.owners[_OWN] = account
        inbound = Inbound("one", "mo-1", NUMBER, str(_OWN), "h\0éllo", 1_700_000_000_000)
        for each in (inbound, inbound, inbound._replace(inbound_id="mo-2", sender="12345")):
            await rig.arrivals.inbound(each)
        (message,) = await rig.rig.page(account, f"+{NUMBER}")
        assert message == {
            "messageId": 1, "address": f"+{NUMBER}", "message": "h\ufffdéllo", "incoming": True, "read": False,
            "locked": False, "origin": 1, "status": 0, "dateSent": 1_700_000_000_000, "dateStatus": None,
        }  # fmt: skip
        assert len(await rig.rig.page(account, "12345")) == 1


async def test_a_message_to_nobody_is_kept_once(servers: Servers) -> None:
    async with delivery_rig(servers) as rig:
        for destination in (str(_OWN), "SHOP"):
            inbound = Inbound("one", f"mo {destination}", NUMBER, destination, "hello", 1)
            await rig.arrivals.inbound(inbound)
            await rig.arrivals.inbound(inbound)
        kept = await rig.rig.rows("select destination, body from delivery_stranger order by destination")
        assert [(row["destination"], row["body"]) for row in kept] == [(str(_OWN), "hello"), ("SHOP", "hello")]


async def test_a_carrier_brings_so_many_messages_to_nobody_a_minute(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "_MOST_STRANGERS", 3)
    async with delivery_rig(servers) as rig:
        for carrier in ("one", "two"):
            for number in range(5):
                await rig.arrivals.inbound(Inbound(carrier, f"mo-{number}", NUMBER, "SHOP", "hello", 1))
        kept = await rig.rig.rows("select carrier from delivery_stranger order by carrier")
        assert [row["carrier"] for row in kept] == ["one"] * 3 + ["two"] * 3
        await rig.rig.rows("update delivery_stranger set kept_at = kept_at - 61000")
        await rig.arrivals.inbound(Inbound("one", "mo-9", NUMBER, "SHOP", "hello", 1))
        assert len(await rig.rig.rows("select from delivery_stranger")) == 7


async def test_what_is_old_goes(servers: Servers) -> None:
    async with delivery_rig(servers, Scripted("one")) as rig:
        rig.scene.receipts = False
        account = await rig.account()
        async with rig.worker().running():
            message_id = await rig.send(account)
            await rig.becomes(account, message_id, "done")
        await rig.arrivals.receipt(_receipt("unknown"))
        await rig.arrivals.inbound(Inbound("one", "mo", NUMBER, "1", "hello", 1))
        assert await rig.store.sweep(60_000, 60_000, 100) == (0, 0, 0)
        assert await rig.store.sweep(-60_000, -60_000, 100) == (1, 1, 1)
        assert await rig.happened(account, message_id) == []
        assert (await rig.message(account, message_id))["status"] == 2
