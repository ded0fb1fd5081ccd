"""Commands on lists of messages, each one transaction."""

from collections.abc import Sequence

from shared.bus.routes import Context, Outcome
from shared.contract.messages import (
    UserMessageDeleteListRequest,
    UserMessageDeleteListResponse,
    UserMessageLockListRequest,
    UserMessageLockListResponse,
    UserMessageUnlockListRequest,
    UserMessageUnlockListResponse,
)
from shared.mailbox.lists import LockList, RemovalList, id_list
from shared.mailbox.store import Mailbox
from shared.mailbox.terms import terms
from shared.mailbox.writes import replied

_DELETED = UserMessageDeleteListResponse()
_LOCKED = UserMessageLockListResponse()
_UNLOCKED = UserMessageUnlockListResponse()


class Lists:
    """The handlers, over the mailbox."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def delete(
        self, requests: Sequence[tuple[UserMessageDeleteListRequest, Context]]
    ) -> Sequence[Outcome[UserMessageDeleteListResponse]]:
        """Delete the messages that are there, locked ones too."""
        lists = [
            RemovalList(context.identity.account_id, id_list(request.message_ids)) for request, context in requests
        ]
        written = await self._mailbox.delete_list(lists, terms(requests))
        return replied(written, lambda _: _DELETED)

    async def lock(
        self, requests: Sequence[tuple[UserMessageLockListRequest, Context]]
    ) -> Sequence[Outcome[UserMessageLockListResponse]]:
        """Lock the messages that are there."""
        lists = [_lock_list(request.message_ids, context, locked=True) for request, context in requests]
        written = await self._mailbox.lock_list(lists, terms(requests))
        return replied(written, lambda _: _LOCKED)

    async def unlock(
        self, requests: Sequence[tuple[UserMessageUnlockListRequest, Context]]
    ) -> Sequence[Outcome[UserMessageUnlockListResponse]]:
        """Unlock the messages that are there."""
        lists = [_lock_list(request.message_ids, context, locked=False) for request, context in requests]
        written = await self._mailbox.lock_list(lists, terms(requests))
        return replied(written, lambda _: _UNLOCKED)


def _lock_list(message_ids: Sequence[int], context: Context, *, locked: bool) -> LockList:
    return LockList(context.identity.account_id, id_list(message_ids), locked)
