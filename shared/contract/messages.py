"""Messages: the list entry, and every operation on single messages."""

from dataclasses import dataclass

from shared.contract.faults import Fault
from shared.contract.operation import AnyOperation, Bucket, Operation
from shared.contract.rules import characters, day_within_a_year, msisdn, not_negative
from shared.contract.scalars import ADDRESS, BOOLEAN, DATE, INT, LONG, STRING
from shared.contract.shape import many, optional, required, value

QUEUE = "commands.messages"
LIST_LIMIT = 1000
PAGE_DEFAULT, PAGE_LIMIT = 100, 1000
ADDRESS_LIMIT = 255


@dataclass(frozen=True, slots=True)
class UserMessageMessage:
    """A message: `status` 0 none, 1 pending, 2 completed, 3 failed, 4 sending, 5 unsent; dates in ms since 1970."""

    message_id: int = value(INT)
    address: str = value(STRING)
    message: str = value(STRING)
    incoming: bool = value(BOOLEAN)
    read: bool = value(BOOLEAN)
    locked: bool = value(BOOLEAN)
    origin: int = value(INT)
    status: int = value(INT)
    date_sent: int = value(DATE)
    date_status: int | None = optional(DATE, null_written=True)


@dataclass(frozen=True, slots=True)
class UserMessageGetMessagesRequest:
    """A page of one conversation: `offset` skips that many newest; `limit` 0 is 100, at most 1,000."""

    address: str = required(ADDRESS)
    offset: int = value(INT, not_negative)
    limit: int = value(INT, not_negative)


@dataclass(frozen=True, slots=True)
class UserMessageGetMessagesResponse:
    messages: tuple[UserMessageMessage, ...] = many(UserMessageMessage)


@dataclass(frozen=True, slots=True)
class UserMessageInsertRequest:
    """A message to store as it is; `date_sent` defaults to the time of the request."""

    address: str = required(ADDRESS, characters(ADDRESS_LIMIT))
    message: str = required(STRING)
    date_sent: int | None = optional(DATE)
    read: bool = value(BOOLEAN)
    locked: bool = value(BOOLEAN)
    origin: int = value(INT)
    incoming: bool = optional(BOOLEAN, default=True)


@dataclass(frozen=True, slots=True)
class UserMessageInsertResponse:
    message_id: int = value(INT)


@dataclass(frozen=True, slots=True)
class UserMessageSendRequest:
    """A message to a number: `recipient` is digits without plus, `device_id` 0 is none, `instant_only` is ignored."""

    recipient: int = required(LONG, msisdn)
    message: str = required(STRING)
    date_send_on: int | None = optional(DATE, day_within_a_year)
    instant_only: bool = value(BOOLEAN)
    device_id: int = value(INT)


@dataclass(frozen=True, slots=True)
class UserMessageSendResponse:
    message_id: int = value(INT)


@dataclass(frozen=True, slots=True)
class UserMessageUpdateRequest:
    """Sets the flags that are present; an absent one is unchanged."""

    message_id: int = required(INT)
    read: bool | None = optional(BOOLEAN)
    locked: bool | None = optional(BOOLEAN)


@dataclass(frozen=True, slots=True)
class UserMessageUpdateResponse:
    pass


@dataclass(frozen=True, slots=True)
class UserMessageDeleteRequest:
    message_id: int = required(INT)


@dataclass(frozen=True, slots=True)
class UserMessageDeleteResponse:
    pass


@dataclass(frozen=True, slots=True)
class UserMessageDeleteListRequest:
    message_ids: tuple[int, ...] = many(INT, required=True, limit=LIST_LIMIT)


@dataclass(frozen=True, slots=True)
class UserMessageDeleteListResponse:
    pass


@dataclass(frozen=True, slots=True)
class UserMessageLockListRequest:
    message_ids: tuple[int, ...] = many(INT, required=True, limit=LIST_LIMIT)


@dataclass(frozen=True, slots=True)
class UserMessageLockListResponse:
    pass


@dataclass(frozen=True, slots=True)
class UserMessageUnlockListRequest:
    message_ids: tuple[int, ...] = many(INT, required=True, limit=LIST_LIMIT)


@dataclass(frozen=True, slots=True)
class UserMessageUnlockListResponse:
    pass


GET_BY_CONVERSATION = Operation(
    name="message.get_by_conversation",
    path="/user/message/get/by/conversation",
    request=UserMessageGetMessagesRequest,
    reply=UserMessageGetMessagesResponse,
    queue=QUEUE,
    bucket=Bucket.READ,
    writes=False,
    group=16,
)
INSERT = Operation(
    name="message.insert",
    path="/user/message/insert",
    request=UserMessageInsertRequest,
    reply=UserMessageInsertResponse,
    queue=QUEUE,
    bucket=Bucket.WRITE,
    writes=True,
    group=64,
)
SEND = Operation(
    name="message.send",
    path="/user/message/send",
    request=UserMessageSendRequest,
    reply=UserMessageSendResponse,
    queue=QUEUE,
    bucket=Bucket.SEND,
    writes=True,
    group=64,
    faults=(Fault.DEVICE_INVALID, Fault.MSISDN_MISSING),
)
UPDATE = Operation(
    name="message.update",
    path="/user/message/update",
    request=UserMessageUpdateRequest,
    reply=UserMessageUpdateResponse,
    queue=QUEUE,
    bucket=Bucket.WRITE,
    writes=True,
    group=64,
)
DELETE = Operation(
    name="message.delete",
    path="/user/message/delete",
    request=UserMessageDeleteRequest,
    reply=UserMessageDeleteResponse,
    queue=QUEUE,
    bucket=Bucket.WRITE,
    writes=True,
    group=64,
)
DELETE_LIST = Operation(
    name="message.delete_list",
    path="/user/message/delete/list",
    request=UserMessageDeleteListRequest,
    reply=UserMessageDeleteListResponse,
    queue=QUEUE,
    bucket=Bucket.WRITE,
    writes=True,
)
LOCK_LIST = Operation(
    name="message.lock_list",
    path="/user/message/lock/list",
    request=UserMessageLockListRequest,
    reply=UserMessageLockListResponse,
    queue=QUEUE,
    bucket=Bucket.WRITE,
    writes=True,
)
UNLOCK_LIST = Operation(
    name="message.unlock_list",
    path="/user/message/unlock/list",
    request=UserMessageUnlockListRequest,
    reply=UserMessageUnlockListResponse,
    queue=QUEUE,
    bucket=Bucket.WRITE,
    writes=True,
)

OPERATIONS: tuple[AnyOperation, ...] = (
    GET_BY_CONVERSATION, INSERT, SEND, UPDATE, DELETE, DELETE_LIST, LOCK_LIST, UNLOCK_LIST,
)  # fmt: skip
