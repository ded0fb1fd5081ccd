"""Commands on the account's devices."""

from collections.abc import Sequence

from shared.bus.routes import Context, Outcome
from shared.contract import dates
from shared.contract.sync import (
    UserDeviceClientDeleteRequest,
    UserDeviceClientDeleteResponse,
    UserDeviceCreateRequest,
    UserDeviceCreateResponse,
    UserDeviceUpdateRequest,
    UserDeviceUpdateResponse,
)
from shared.mailbox.devices import DeviceChange, DeviceRemoval, NewDevice
from shared.mailbox.store import Mailbox
from shared.mailbox.terms import terms
from shared.mailbox.writes import replied

_HISTORY_GREATEST = 10_000
_UPDATED = UserDeviceUpdateResponse()
_DELETED = UserDeviceClientDeleteResponse()


class Devices:
    """The handlers, over the mailbox; an account has at most `device_limit` devices."""

    def __init__(self, mailbox: Mailbox, device_limit: int) -> None:
        self._mailbox = mailbox
        self._device_limit = device_limit

    async def create(
        self, requests: Sequence[tuple[UserDeviceCreateRequest, Context]]
    ) -> Sequence[Outcome[UserDeviceCreateResponse]]:
        """Register devices."""
        now = dates.now()
        devices = [_new_device(request, context, now, self._device_limit) for request, context in requests]
        written = await self._mailbox.create_device(devices, terms(requests))
        return replied(written, UserDeviceCreateResponse)

    async def update(
        self, requests: Sequence[tuple[UserDeviceUpdateRequest, Context]]
    ) -> Sequence[Outcome[UserDeviceUpdateResponse]]:
        """Set the calls that devices take part in, and what is present of the rest."""
        changes = [_change(request, context) for request, context in requests]
        written = await self._mailbox.update_device(changes, terms(requests))
        return replied(written, lambda _: _UPDATED)

    async def delete(
        self, requests: Sequence[tuple[UserDeviceClientDeleteRequest, Context]]
    ) -> Sequence[Outcome[UserDeviceClientDeleteResponse]]:
        """Delete devices."""
        removals = [DeviceRemoval(context.identity.account_id, request.device_id) for request, context in requests]
        written = await self._mailbox.delete_device(removals, terms(requests))
        return replied(written, lambda _: _DELETED)


def _new_device(request: UserDeviceCreateRequest, context: Context, now: int, device_limit: int) -> NewDevice:
    return NewDevice(
        account_id=context.identity.account_id,
        os=request.os,
        can_send_sms=request.can_send_sms,
        can_receive_call=request.can_receive_call,
        can_initiate_call=request.can_initiate_call,
        push_registration_id=request.push_registration_id,
        push_config=request.push_config,
        max_mms_size=request.max_mms_size,
        message_history_limit=min(request.message_history_limit, _HISTORY_GREATEST),
        created_at=now,
        force=request.force,
        device_limit=device_limit,
    )


def _change(request: UserDeviceUpdateRequest, context: Context) -> DeviceChange:
    return DeviceChange(
        account_id=context.identity.account_id,
        device_id=request.device_id,
        can_receive_call=request.can_receive_call,
        can_initiate_call=request.can_initiate_call,
        push_registration_id=request.push_registration_id,
        push_config=request.push_config,
        max_mms_size=request.max_mms_size,
    )
