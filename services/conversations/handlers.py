"""Commands on whole conversations."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import orjson

from shared.bus.routes import Context, Outcome, Route, WireTree, route, route_group
from shared.contract.conversations import (
    DELETE,
    DELETE_LIST,
    GET,
    READ,
    UserMessageDeleteConversationListRequest,
    UserMessageDeleteConversationListResponse,
    UserMessageDeleteConversationRequest,
    UserMessageDeleteConversationResponse,
    UserMessageGetConversationsRequest,
    UserMessageReadConversationRequest,
    UserMessageReadConversationResponse,
)
from shared.mailbox.store import Mailbox
from shared.mailbox.terms import terms
from shared.mailbox.writes import Closing, Reading, replied

_READ = UserMessageReadConversationResponse()
_DELETED = UserMessageDeleteConversationResponse()
_LIST_DELETED = UserMessageDeleteConversationListResponse()

R = TypeVar("R")


class Conversations:
    """The handlers, over the mailbox; `purge` is told when a delete has committed."""

    def __init__(self, mailbox: Mailbox, purge: Callable[[], None]) -> None:
        self._mailbox = mailbox
        self._purge = purge

    async def get(self, _: UserMessageGetConversationsRequest, context: Context) -> WireTree:
        """Return all conversations, newest first."""
        account_id = context.identity.account_id
        return {"conversations": await self._mailbox.conversations(account_id, timeout=context.remaining())}

    async def read(
        self, requests: Sequence[tuple[UserMessageReadConversationRequest, Context]]
    ) -> Sequence[Outcome[UserMessageReadConversationResponse]]:
        """Mark every incoming message of an address as read."""
        readings = [Reading(context.identity.account_id, request.address) for request, context in requests]
        written = await self._mailbox.read(readings, terms(requests))
        return replied(written, lambda _: _READ)

    async def delete(
        self, requests: Sequence[tuple[UserMessageDeleteConversationRequest, Context]]
    ) -> Sequence[Outcome[UserMessageDeleteConversationResponse]]:
        """Delete all messages of an address."""
        closings = [_closing(context, [request.address]) for request, context in requests]
        return await self._close(closings, requests, _DELETED)

    async def delete_list(
        self, requests: Sequence[tuple[UserMessageDeleteConversationListRequest, Context]]
    ) -> Sequence[Outcome[UserMessageDeleteConversationListResponse]]:
        """Delete all messages of addresses; blank, unknown and repeated ones are ignored."""
        closings = [_closing(context, request.addresses) for request, context in requests]
        return await self._close(closings, requests, _LIST_DELETED)

    async def _close(
        self, closings: Sequence[Closing], requests: Sequence[tuple[Any, Context]], reply: R
    ) -> Sequence[Outcome[R]]:
        def committed(_: int) -> R:
            self._purge()
            return reply

        return replied(await self._mailbox.delete_conversations(closings, terms(requests)), committed)


def _closing(context: Context, addresses: Sequence[str]) -> Closing:
    return Closing(context.identity.account_id, orjson.dumps(addresses).decode())


def routes(conversations: Conversations) -> tuple[Route, ...]:
    """Return which function runs which operation."""
    return (
        route(GET, conversations.get),
        route_group(READ, conversations.read),
        route_group(DELETE, conversations.delete),
        route_group(DELETE_LIST, conversations.delete_list),
    )
