"""Commands on single messages."""

from collections.abc import Sequence

from shared.bus.routes import Context, Outcome, Route, route_group
from shared.contract import dates
from shared.contract.messages import (
    DELETE,
    GET_BY_CONVERSATION,
    INSERT,
    PAGE_DEFAULT,
    PAGE_LIMIT,
    UPDATE,
    UserMessageDeleteRequest,
    UserMessageDeleteResponse,
    UserMessageGetMessagesRequest,
    UserMessageGetMessagesResponse,
    UserMessageInsertRequest,
    UserMessageInsertResponse,
    UserMessageUpdateRequest,
    UserMessageUpdateResponse,
)
from shared.mailbox.store import Mailbox, Page
from shared.mailbox.terms import terms
from shared.mailbox.writes import Flags, NewMessage, Removal, replied

_STATUS_NONE = 0
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
        return [{"messages": messages} for messages in found]

    async def insert(
        self, requests: Sequence[tuple[UserMessageInsertRequest, Context]]
    ) -> Sequence[Outcome[UserMessageInsertResponse]]:
        """Store messages as they are."""
        now = dates.now()
        messages = [_new_message(request, context, now) for request, context in requests]
        written = await self._mailbox.insert(messages, terms(requests))
        return replied(written, UserMessageInsertResponse)

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


def routes(messages: Messages) -> tuple[Route, ...]:
    """Return which function runs which operation."""
    return (
        route_group(GET_BY_CONVERSATION, messages.get_by_conversation, alone=_large),
        route_group(INSERT, messages.insert),
        route_group(UPDATE, messages.update),
        route_group(DELETE, messages.delete),
    )
