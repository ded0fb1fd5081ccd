"""The sync of devices."""

from collections.abc import Sequence

import orjson

from shared.bus.routes import Context, Outcome, WireTree
from shared.contract import dates
from shared.contract.sync import ENTRY_LIMIT, UserMessageSyncRequest, UserMessageSyncResponse
from shared.mailbox.lists import id_list
from shared.mailbox.store import Mailbox
from shared.mailbox.sync import Sync, Synced
from shared.mailbox.terms import terms
from shared.mailbox.writes import replied

_PAGE_DEFAULT = 100


class Syncs:
    """The handler, over the mailbox."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def sync(
        self, requests: Sequence[tuple[UserMessageSyncRequest, Context]]
    ) -> Sequence[Outcome[UserMessageSyncResponse]]:
        """Take acks and changes of devices, and give each the next page of what it does not know."""
        now = dates.now()
        syncs = [_sync(request, context, now) for request, context in requests]
        written = await self._mailbox.sync(syncs, terms(requests))
        return replied(written, _reply)


def _sync(request: UserMessageSyncRequest, context: Context, now: int) -> Sync:
    return Sync(
        account_id=context.identity.account_id,
        device_id=request.device_id,
        acked=id_list(ack.message_id for ack in request.sync_acks),
        told=id_list(ack.device_message_id for ack in request.sync_acks),
        entries=orjson.dumps(request.syncs).decode(),
        initial=bool(request.sync_initial),
        wanted=min(request.sync_limit or _PAGE_DEFAULT, ENTRY_LIMIT),
        now=now,
    )


def _reply(found: Synced) -> WireTree:
    return {"syncs": orjson.Fragment(found.page), "syncAcks": orjson.Fragment(found.acks)}
