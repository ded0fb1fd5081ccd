"""Commands on whole conversations."""

from collections.abc import Sequence

from shared.bus.routes import Context, Outcome, Route, WireTree, route, route_group
from shared.contract.conversations import (
    GET,
    READ,
    UserMessageGetConversationsRequest,
    UserMessageReadConversationRequest,
    UserMessageReadConversationResponse,
)
from shared.mailbox.store import Mailbox
from shared.mailbox.terms import terms
from shared.mailbox.writes import Reading, replied

_READ = UserMessageReadConversationResponse()


class Conversations:
    """The handlers, over the mailbox."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

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


def routes(conversations: Conversations) -> tuple[Route, ...]:
    """Return which function runs which operation."""
    return (
        route(GET, conversations.get),
        route_group(READ, conversations.read),
    )
