"""Devices: their limit, who goes for a new one, and whose they are."""

import asyncio
from collections.abc import Sequence
from inspect import isawaitable
from typing import Any

from deploy.local.servers import Servers
from services.messages.devices import Devices
from shared.bus.routes import Key
from shared.contract import dates
from shared.contract.faults import Fault
from shared.contract.sync import (
    UserDeviceClientDeleteRequest,
    UserDeviceClientDeleteResponse,
    UserDeviceCreateRequest,
    UserDeviceCreateResponse,
    UserDeviceUpdateRequest,
    UserDeviceUpdateResponse,
)
from tests.integration.mailbox_rig import TIMEOUT, Rig, accounts, context, shared_rig

LIMIT = 3
_ROWS = "select * from device where account_id = $1 order by device_id"


async def _settle(outcome: Any) -> Any:
    return await outcome if isawaitable(outcome) else outcome


async def _create(rig: Rig, account_id: int, key: Key | None = None, **fields: Any) -> Any:
    command = UserDeviceCreateRequest(**fields), context(account_id, "device.create", key=key)
    (outcome,) = await Devices(rig.mailbox, LIMIT).create([command])
    reply = await _settle(outcome)
    return reply.device_id if isinstance(reply, UserDeviceCreateResponse) else reply


async def _update(rig: Rig, account_id: int, key: Key | None = None, **fields: Any) -> Any:
    command = UserDeviceUpdateRequest(**fields), context(account_id, "device.update", key=key)
    (outcome,) = await Devices(rig.mailbox, LIMIT).update([command])
    return await _settle(outcome)


async def _delete(rig: Rig, account_id: int, device_id: int, key: Key | None = None) -> Any:
    command = UserDeviceClientDeleteRequest(device_id), context(account_id, "device.client_delete", key=key)
    (outcome,) = await Devices(rig.mailbox, LIMIT).delete([command])
    return await _settle(outcome)


async def _ids(rig: Rig, account_id: int) -> list[int]:
    return [row["device_id"] for row in await rig.mailbox.devices(account_id, timeout=TIMEOUT)]


async def test_a_device_is_kept_as_it_was_registered(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account, before = next(accounts), dates.now()
        full = await _create(
            rig, account, os=2, can_send_sms=True, can_receive_call=True, can_initiate_call=True,
            push_registration_id="push", push_config="", max_mms_size=300, message_history_limit=10_001,
        )  # fmt: skip
        empty = await _create(rig, account)
        first, second = await rig.rows(_ROWS, account)
        assert before <= first.pop("created_at") <= second.pop("created_at") <= dates.now()
        for name in ("scanned_seq", "due_from"):  # where its syncs are
            assert first.pop(name) == second.pop(name) == 0
        assert first == {
            "account_id": account, "device_id": full, "os": 2, "can_send_sms": True, "can_receive_call": True,
            "can_initiate_call": True, "push_registration_id": "push", "push_config": "", "max_mms_size": 300,
            "message_history_limit": 10_000, "synced_at": None,
        }  # fmt: skip
        assert second == {
            "account_id": account, "device_id": empty, "os": 0, "can_send_sms": False, "can_receive_call": False,
            "can_initiate_call": False, "push_registration_id": None, "push_config": None, "max_mms_size": None,
            "message_history_limit": 0, "synced_at": None,
        }  # fmt: skip


async def test_an_update_sets_what_is_present_and_the_calls_always(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        device = await _create(
            rig, account, os=1, can_send_sms=True, can_receive_call=True, push_registration_id="old", push_config="old"
        )
        (before,) = await rig.rows(_ROWS, account)
        update = {"device_id": device, "can_initiate_call": True, "push_config": "new", "max_mms_size": 0}
        assert await _update(rig, account, **update) == UserDeviceUpdateResponse()
        (after,) = await rig.rows(_ROWS, account)
        assert after == before | {
            "can_receive_call": False, "can_initiate_call": True, "push_config": "new", "max_mms_size": 0,
        }  # fmt: skip


async def test_only_the_accounts_own_devices_are_changed_or_deleted(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account, foreign = next(accounts), next(accounts)
        own, others = await _create(rig, account), await _create(rig, foreign)
        before = await rig.rows(_ROWS, foreign)
        for device in (0, -1, others, 2_147_483_647):
            assert await _update(rig, account, device_id=device, can_receive_call=True) is Fault.DEVICE_INVALID
            assert await _delete(rig, account, device) is Fault.DEVICE_INVALID
        assert await rig.rows(_ROWS, foreign) == before
        assert await _delete(rig, account, own) == UserDeviceClientDeleteResponse()
        assert await _delete(rig, account, own) is Fault.DEVICE_INVALID
        assert await _create(rig, account) > max(own, others)


async def test_at_the_limit_only_force_gets_in_and_drops_the_most_idle(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        first, second, third = [await _create(rig, account, force=True) for _ in range(LIMIT)]
        assert await _create(rig, account) is Fault.DEVICE_LIMIT_EXCEEDED
        seen = "update device set created_at = $2, synced_at = $3 where device_id = $1"
        for device, created, synced in ((first, 10, 40), (second, 30, None), (third, 20, 30)):
            await rig.rows(seen, device, created, synced)
        # The second and the third tie: 30 is when the one was registered and the other synced.
        fourth = await _create(rig, account, force=True)
        assert await _ids(rig, account) == [first, third, fourth]
        fifth = await _create(rig, account, force=True)
        assert await _ids(rig, account) == [first, fourth, fifth]
        sixth = await _create(rig, account, force=True)
        assert await _ids(rig, account) == [fourth, fifth, sixth]
        assert await _create(rig, account) is Fault.DEVICE_LIMIT_EXCEEDED


def _refused(outcomes: Sequence[object]) -> int:
    # A device may have the fault's number as its id.
    return sum(each is Fault.DEVICE_LIMIT_EXCEEDED for each in outcomes)


async def test_two_at_once_do_not_pass_the_limit(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        for _ in range(10):
            account = next(accounts)
            for _ in range(LIMIT - 1):
                await _create(rig, account)
            outcomes = await asyncio.gather(*(_create(rig, account) for _ in range(4)))
            assert _refused(outcomes) == 3
            assert _refused(await asyncio.gather(*(_create(rig, account, force=True) for _ in range(4)))) == 0
            assert len(await _ids(rig, account)) == LIMIT


async def test_a_key_gives_the_first_answer(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account, key, other = next(accounts), Key("again", b"request"), Key("again", b"other")
        device = await _create(rig, account, key)
        assert await _create(rig, account, key) == device
        assert await _create(rig, account, other) is Fault.KEY_REUSED
        update = {"device_id": device, "can_receive_call": True}
        assert await _update(rig, account, key, **update) == UserDeviceUpdateResponse()
        assert await _update(rig, account, device_id=device) == UserDeviceUpdateResponse()
        assert await _update(rig, account, key, **update) == UserDeviceUpdateResponse()
        assert [row["can_receive_call"] for row in await rig.rows(_ROWS, account)] == [False]
        assert [await _delete(rig, account, device, key) for _ in range(2)] == [UserDeviceClientDeleteResponse()] * 2
        assert await _create(rig, account, key) == device
        assert await _ids(rig, account) == []


async def test_a_fault_is_not_kept_under_a_key(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account, key = next(accounts), Key("again", b"request")
        devices = [await _create(rig, account) for _ in range(LIMIT)]
        assert await _create(rig, account, key) is Fault.DEVICE_LIMIT_EXCEEDED
        await _delete(rig, account, devices[0])
        assert await _create(rig, account, key) == max(await _ids(rig, account))


async def test_every_write_on_a_device_waits_for_a_locked_mailbox(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        device = await _create(rig, account)
        writes = (
            _create(rig, account),
            _update(rig, account, device_id=device),
            _delete(rig, account, device),
        )
        async with rig.locked(account):
            waiting = [asyncio.ensure_future(write) for write in writes]
            await asyncio.sleep(0.2)
            assert not any(each.done() for each in waiting)
        created, updated, deleted = await asyncio.gather(*waiting)
        assert created > device
        assert updated in (UserDeviceUpdateResponse(), Fault.DEVICE_INVALID)  # by who came first
        assert deleted == UserDeviceClientDeleteResponse()
        assert await _ids(rig, account) == [created]
