"""Commands on single messages."""

from collections.abc import Sequence

from services.messages.devices import Devices
from services.messages.lists import Lists
from services.messages.syncs import Syncs
from shared.bus.routes import Context, Outcome, Route, route_group
from shared.contract import dates
from shared.contract.faults import Fault
from shared.contract.messages import (
    DELETE,
    DELETE_LIST,
    GET_BY_CONVERSATION,
    INSERT,
    LOCK_LIST,
    PAGE_DEFAULT,
    PAGE_LIMIT,
    SEND,
    UNLOCK_LIST,
    UPDATE,
    UserMessageDeleteRequest,
    UserMessageDeleteResponse,
    UserMessageGetMessagesRequest,
    UserMessageGetMessagesResponse,
    UserMessageInsertRequest,
    UserMessageInsertResponse,
    UserMessageSendRequest,
    UserMessageSendResponse,
    UserMessageUpdateRequest,
    UserMessageUpdateResponse,
)
from shared.contract.sync import CREATE_DEVICE, DELETE_DEVICE, SYNC, UPDATE_DEVICE
from shared.mailbox.pages import Page
from shared.mailbox.store import Mailbox
from shared.mailbox.terms import terms
from shared.mailbox.writes import Flags, NewMessage, Removal, replied

_STATUS_NONE, _STATUS_PENDING, _STATUS_SENDING = 0, 1, 4
_ORIGIN_MYSMS = 1
_UPDATED = UserMessageUpdateResponse()
_DELETED = UserMessageDeleteResponse()


class Messages:
    """The handlers, over the mailbox."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def get_by_conversation(
        self, requests: Sequence[tuple[UserMessageGetMessagesRequest, Context]]
    ) -> Sequence[Outcome[UserMessageGetMessagesResponse]]:
        """Return pages of conversations, newest first."""
        pages = [
            Page(context.identity.account_id, request.address, request.offset, _wanted(request))
            for request, context in requests
        ]
        timeout = max(context.remaining() for _, context in requests)
        found = await self._mailbox.messages_by_conversation(pages, timeout=timeout)
        return replied(found, lambda messages: {"messages": messages})

    async def insert(
        self, requests: Sequence[tuple[UserMessageInsertRequest, Context]]
    ) -> Sequence[Outcome[UserMessageInsertResponse]]:
        """Store messages as they are."""
        now = dates.now()
        messages = [_new_message(request, context, now) for request, context in requests]
        written = await self._mailbox.insert(messages, terms(requests))
        return replied(written, UserMessageInsertResponse)

    async def send(
        self, requests: Sequence[tuple[UserMessageSendRequest, Context]]
    ) -> Sequence[Outcome[UserMessageSendResponse]]:
        """Store messages to be delivered, of senders that have a number."""
        now = dates.now()
        messages = [_sent_message(request, context, now) for request, context in requests]
        return replied(await self._mailbox.insert(messages, terms(requests)), UserMessageSendResponse)

    async def update(
        self, requests: Sequence[tuple[UserMessageUpdateRequest, Context]]
    ) -> Sequence[Outcome[UserMessageUpdateResponse]]:
        """Set the flags that are present."""
        flags = [
            Flags(context.identity.account_id, request.message_id, request.read, request.locked)
            for request, context in requests
        ]
        written = await self._mailbox.update(flags, terms(requests))
        return replied(written, lambda _: _UPDATED)

    async def delete(
        self, requests: Sequence[tuple[UserMessageDeleteRequest, Context]]
    ) -> Sequence[Outcome[UserMessageDeleteResponse]]:
        """Delete messages, locked ones too."""
        removals = [Removal(context.identity.account_id, request.message_id) for request, context in requests]
        written = await self._mailbox.delete(removals, terms(requests))
        return replied(written, lambda _: _DELETED)


def _wanted(request: UserMessageGetMessagesRequest) -> int:
    return min(request.limit or PAGE_DEFAULT, PAGE_LIMIT)


def _large(request: UserMessageGetMessagesRequest) -> bool:
    return _wanted(request) > PAGE_DEFAULT


def _new_message(request: UserMessageInsertRequest, context: Context, now: int) -> NewMessage:
    return NewMessage(
        account_id=context.identity.account_id,
        address=request.address,
        body=request.message,
        date_sent=now if request.date_sent is None else request.date_sent,
        read=request.read,
        locked=request.locked,
        origin=request.origin,
        status=_STATUS_NONE,
        incoming=request.incoming,
    )


def _sent_message(request: UserMessageSendRequest, context: Context, now: int) -> NewMessage:
    due = request.date_send_on
    later = due is not None and due > now
    return NewMessage(
        account_id=context.identity.account_id,
        address=f"+{request.recipient}",
        body=request.message,
        date_sent=now,
        read=True,
        locked=False,
        origin=_ORIGIN_MYSMS,
        status=_STATUS_SENDING if later else _STATUS_PENDING,
        incoming=False,
        date_status=due if later else None,
        send=True,
        device_id=_device_or_fault(request, context),
    )


def _device_or_fault(request: UserMessageSendRequest, context: Context) -> int:
    # As a fault of the statement itself: a command that was done before gets its first answer all the same.
    if context.identity.msisdn is None:
        return -Fault.MSISDN_MISSING
    return request.device_id if request.device_id >= 0 else -Fault.DEVICE_INVALID


def routes(mailbox: Mailbox, *, device_limit: int) -> tuple[Route, ...]:
    """Return which function runs which operation."""
    messages, lists, syncs = Messages(mailbox), Lists(mailbox), Syncs(mailbox)
    devices = Devices(mailbox, device_limit)
    return (
        route_group(GET_BY_CONVERSATION, messages.get_by_conversation, alone=_large),
        route_group(INSERT, messages.insert),
        route_group(SEND, messages.send),
        route_group(UPDATE, messages.update),
        route_group(DELETE, messages.delete),
        route_group(DELETE_LIST, lists.delete),
        route_group(LOCK_LIST, lists.lock),
        route_group(UNLOCK_LIST, lists.unlock),
        route_group(SYNC, syncs.sync),
        route_group(CREATE_DEVICE, devices.create),
        route_group(UPDATE_DEVICE, devices.update),
        route_group(DELETE_DEVICE, devices.delete),
    )
