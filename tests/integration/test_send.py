"""Sends: what is stored, what is announced, and who may not."""

from typing import Any

import pytest

from deploy.local.servers import Servers
from services.messages.devices import Devices
from services.messages.handlers import Messages
from shared.bus.routes import Key
from shared.contract import dates
from shared.contract.faults import Fault
from shared.contract.messages import UserMessageDeleteRequest, UserMessageSendRequest, UserMessageSendResponse
from shared.contract.sync import UserDeviceClientDeleteRequest, UserDeviceCreateRequest, UserDeviceCreateResponse
from tests.integration.mailbox_rig import FRIEND, Rig, accounts, context, message, settled, shared_rig, taken

SENDER, RECIPIENT = 436990000002, 436990000001
_OUTBOX = "select message_id, change_seq, kind from outbox where account_id = $1 order by id, kind"
_STORED, _SEND_REQUESTED = 1, 4


async def _send(rig: Rig, account_id: int, key: Key | None = None, **fields: Any) -> Any:
    request = UserMessageSendRequest(**{"recipient": RECIPIENT, "message": "hello", **fields})
    command = context(account_id, "message.send", msisdn=SENDER, key=key)
    (outcome,) = await Messages(rig.mailbox).send([(request, command)])
    return outcome


async def _device(rig: Rig, account_id: int) -> int:
    (reply,) = taken(await Devices(rig.mailbox, 20).create([(UserDeviceCreateRequest(), context(account_id))]))
    assert isinstance(reply, UserDeviceCreateResponse)
    return reply.device_id


async def test_a_send_is_stored_as_pending_and_announced(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account, before = next(accounts), dates.now()
        await rig.insert(message(account, date_sent=0))
        assert await _send(rig, account, instant_only=True) == UserMessageSendResponse(2)
        entry, _ = await rig.page(account, FRIEND)
        assert before <= entry.pop("dateSent") <= dates.now()
        assert entry == {
            "messageId": 2, "address": FRIEND, "message": "hello", "incoming": False, "read": True,
            "locked": False, "origin": 1, "status": 1, "dateStatus": None,
        }  # fmt: skip
        events = [tuple(row.values()) for row in await rig.rows(_OUTBOX, account)]
        assert events == [(1, 1, _STORED), (2, 2, _STORED), (2, 2, _SEND_REQUESTED)]
        await rig.assert_counted(account)


@pytest.mark.parametrize(("ahead", "later"), [(86_400_000, True), (366 * 86_400_000, True), (-1, False)])
async def test_a_future_date_waits_in_the_message_and_a_past_one_does_not(
    servers: Servers, ahead: int, *, later: bool
) -> None:
    async with shared_rig(servers) as rig:
        account, now = next(accounts), dates.now()
        assert await _send(rig, account, date_send_on=now + ahead) == UserMessageSendResponse(1)
        (entry,) = await rig.page(account, FRIEND)
        assert (entry["status"], entry["dateStatus"]) == ((4, now + ahead) if later else (1, None))
        assert now <= entry["dateSent"] <= dates.now()
        assert [row["kind"] for row in await rig.rows(_OUTBOX, account)] == [_STORED, _SEND_REQUESTED]


async def test_who_may_not_send_takes_nobody_along(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account, mute, foreign = next(accounts), next(accounts), next(accounts)
        own, others = await _device(rig, account), await _device(rig, foreign)
        sends: list[tuple[int, int | None, int]] = [
            (account, SENDER, 0), (mute, None, 0), (account, SENDER, others), (mute, None, others),
            (account, SENDER, -1), (account, SENDER, own),
        ]  # fmt: skip
        outcomes = await Messages(rig.mailbox).send(
            [
                (UserMessageSendRequest(RECIPIENT, "hello", device_id=device), context(sender, msisdn=number))
                for sender, number, device in sends
            ]
        )
        assert taken(outcomes) == [
            UserMessageSendResponse(1), Fault.MSISDN_MISSING, Fault.DEVICE_INVALID, Fault.MSISDN_MISSING,
            Fault.DEVICE_INVALID, UserMessageSendResponse(2),
        ]  # fmt: skip
        assert len(await rig.page(account, FRIEND)) == 2
        assert await rig.rows(_OUTBOX, mute) == []


async def test_only_senders_without_a_number(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        requests = [(UserMessageSendRequest(RECIPIENT, "hello"), context(next(accounts)))] * 2
        assert await Messages(rig.mailbox).send(requests) == [Fault.MSISDN_MISSING] * 2


async def test_a_key_gives_the_first_answer_when_message_and_device_are_gone(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account, key = next(accounts), Key("again", b"request")
        device = await _device(rig, account)
        assert await _send(rig, account, key, device_id=device) == UserMessageSendResponse(1)
        await Messages(rig.mailbox).delete([(UserMessageDeleteRequest(1), context(account))])
        await Devices(rig.mailbox, 20).delete([(UserDeviceClientDeleteRequest(device), context(account))])
        assert await _send(rig, account, key, device_id=device) == UserMessageSendResponse(1)
        assert await _send(rig, account, Key("again", b"other")) is Fault.KEY_REUSED
        assert await _send(rig, account, Key("new", b"request"), device_id=device) is Fault.DEVICE_INVALID
        assert await _send(rig, account, Key("new", b"request")) == UserMessageSendResponse(2)


async def test_a_send_waits_for_a_locked_mailbox(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        await rig.insert(message(account))
        async with rig.locked(account):
            late = await _send(rig, account)
            unknown = await _send(rig, account, device_id=-1)
        assert await settled(late) == UserMessageSendResponse(2)
        assert await settled(unknown) is Fault.DEVICE_INVALID


async def test_a_key_gives_the_first_answer_when_the_number_is_gone(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account, key = next(accounts), Key("again", b"request")
        assert await _send(rig, account, key) == UserMessageSendResponse(1)
        request = UserMessageSendRequest(recipient=RECIPIENT, message="hello")
        mute = context(account, "message.send", key=key)
        assert await Messages(rig.mailbox).send([(request, mute)]) == [UserMessageSendResponse(1)]
        mute = context(account, "message.send", key=Key("new", b"request"))
        assert await Messages(rig.mailbox).send([(request, mute)]) == [Fault.MSISDN_MISSING]
