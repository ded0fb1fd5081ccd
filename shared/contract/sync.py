"""Devices: their registration, and the two-way sync."""

from dataclasses import dataclass

from shared.contract.faults import Fault
from shared.contract.messages import ADDRESS_LIMIT
from shared.contract.messages import QUEUE as DEVICE_QUEUE
from shared.contract.operation import AnyOperation, Bucket, Operation
from shared.contract.rules import characters, not_negative
from shared.contract.scalars import ADDRESS, BOOLEAN, DATE, INT, STRING
from shared.contract.shape import many, optional, required, value

QUEUE = "commands.messages.sync"
ENTRY_LIMIT = 1000
UPDATE, INSERT, DELETE = 0, 1, 2
_STATUSES = range(4)


def _operation(number: int) -> bool:
    return number in (UPDATE, INSERT, DELETE)


def _status(number: int | None) -> bool:
    return number is None or number in _STATUSES


@dataclass(frozen=True, slots=True)
class UserMessageSync:
    """One change: `operation` 0 update, 1 insert, 2 delete; an id of 0 is not known yet; only present fields count."""

    operation: int = value(INT, _operation)
    message_id: int = value(INT)
    device_message_id: int = value(INT)
    address: str | None = optional(ADDRESS)
    message: str | None = optional(STRING)
    incoming: bool | None = optional(BOOLEAN)
    read: bool | None = optional(BOOLEAN)
    locked: bool | None = optional(BOOLEAN)
    origin: int | None = optional(INT)
    status: int | None = optional(INT, _status)
    date_sent: int | None = optional(DATE)
    date_status: int | None = optional(DATE)


@dataclass(frozen=True, slots=True)
class UserMessageSyncAck:
    message_id: int = value(INT)
    device_message_id: int = value(INT)


def _complete(syncs: tuple[UserMessageSync, ...]) -> bool:
    return all(_entry_complete(each) for each in syncs)


def _entry_complete(entry: UserMessageSync) -> bool:
    if not entry.message_id and not entry.device_message_id:
        return False
    if entry.operation == INSERT and not entry.message_id:
        return bool(entry.address) and characters(ADDRESS_LIMIT)(entry.address)
    return True


@dataclass(frozen=True, slots=True)
class UserMessageSyncRequest:
    """A device's changes and acks; `sync_limit` 0 is 100, at most 1,000; `sync_unreliable` is ignored."""

    device_id: int = required(INT)
    syncs: tuple[UserMessageSync, ...] = many(UserMessageSync, _complete, limit=ENTRY_LIMIT)
    sync_acks: tuple[UserMessageSyncAck, ...] = many(UserMessageSyncAck, limit=ENTRY_LIMIT)
    sync_limit: int = value(INT, not_negative)
    sync_unreliable: bool | None = optional(BOOLEAN)
    sync_initial: bool | None = optional(BOOLEAN)


@dataclass(frozen=True, slots=True)
class UserMessageSyncResponse:
    syncs: tuple[UserMessageSync, ...] = many(UserMessageSync)
    sync_acks: tuple[UserMessageSyncAck, ...] = many(UserMessageSyncAck)


@dataclass(frozen=True, slots=True)
class UserDeviceCreateRequest:
    """A device; `force` drops the most idle one at the limit; `message_history_limit` counts as 10,000 at most."""

    os: int = value(INT)
    can_send_sms: bool = value(BOOLEAN)
    can_receive_call: bool = value(BOOLEAN)
    can_initiate_call: bool = value(BOOLEAN)
    push_registration_id: str | None = optional(STRING)
    force: bool = value(BOOLEAN)
    message_history_limit: int = value(INT, not_negative)
    push_config: str | None = optional(STRING)
    max_mms_size: int | None = optional(INT)


@dataclass(frozen=True, slots=True)
class UserDeviceCreateResponse:
    device_id: int = value(INT)


@dataclass(frozen=True, slots=True)
class UserDeviceUpdateRequest:
    device_id: int = value(INT)
    can_receive_call: bool = value(BOOLEAN)
    can_initiate_call: bool = value(BOOLEAN)
    push_registration_id: str | None = optional(STRING)
    push_config: str | None = optional(STRING)
    max_mms_size: int | None = optional(INT)


@dataclass(frozen=True, slots=True)
class UserDeviceUpdateResponse:
    pass


@dataclass(frozen=True, slots=True)
class UserDeviceClientDeleteRequest:
    device_id: int = value(INT)


@dataclass(frozen=True, slots=True)
class UserDeviceClientDeleteResponse:
    pass


SYNC = Operation(
    name="message.sync",
    path="/user/message/sync",
    request=UserMessageSyncRequest,
    reply=UserMessageSyncResponse,
    queue=QUEUE,
    bucket=Bucket.WRITE,
    writes=True,
    ignores_key=True,
    faults=(Fault.DEVICE_INVALID,),
)
CREATE_DEVICE = Operation(
    name="device.create",
    path="/user/device/create",
    request=UserDeviceCreateRequest,
    reply=UserDeviceCreateResponse,
    queue=DEVICE_QUEUE,
    bucket=Bucket.WRITE,
    writes=True,
    faults=(Fault.DEVICE_LIMIT_EXCEEDED,),
)
UPDATE_DEVICE = Operation(
    name="device.update",
    path="/user/device/update",
    request=UserDeviceUpdateRequest,
    reply=UserDeviceUpdateResponse,
    queue=DEVICE_QUEUE,
    bucket=Bucket.WRITE,
    writes=True,
    faults=(Fault.DEVICE_INVALID,),
)
DELETE_DEVICE = Operation(
    name="device.client_delete",
    path="/user/device/client/delete",
    request=UserDeviceClientDeleteRequest,
    reply=UserDeviceClientDeleteResponse,
    queue=DEVICE_QUEUE,
    bucket=Bucket.WRITE,
    writes=True,
    faults=(Fault.DEVICE_INVALID,),
)

OPERATIONS: tuple[AnyOperation, ...] = (SYNC, CREATE_DEVICE, UPDATE_DEVICE, DELETE_DEVICE)
