"""Devices that sync with a mailbox on a real Postgres, by the handlers."""

from collections.abc import Iterable, Mapping
from inspect import isawaitable
from typing import Any

import orjson

from services.messages.devices import Devices
from services.messages.syncs import Syncs
from shared.bus.routes import Settled
from shared.contract.sync import (
    UserDeviceCreateRequest,
    UserDeviceCreateResponse,
    UserMessageSync,
    UserMessageSyncAck,
    UserMessageSyncRequest,
    UserMessageSyncResponse,
)
from tests.integration.mailbox_rig import FRIEND, Rig, context

UPDATE, INSERT, DELETE = 0, 1, 2
Entry = dict[str, Any]


class Phone:
    """A device of an account; `got` are the changes of the last answer."""

    def __init__(self, rig: Rig, account_id: int, device_id: int) -> None:
        self.rig = rig
        self.account_id = account_id
        self.device_id = device_id
        self.got: list[Entry] = []

    @classmethod
    async def registered(cls, rig: Rig, account_id: int, history: int = 0) -> "Phone":
        request = UserDeviceCreateRequest(message_history_limit=history)
        (reply,) = await Devices(rig.mailbox, 20).create([(request, context(account_id, "device.create"))])
        assert isinstance(reply, UserDeviceCreateResponse)
        return cls(rig, account_id, reply.device_id)

    async def sync(
        self,
        *syncs: UserMessageSync,
        acks: Iterable[tuple[int, int]] = (),
        limit: int = 0,
        initial: bool | None = None,
    ) -> list[tuple[int, int]]:
        """Sync and return the acks of the answer."""
        request = UserMessageSyncRequest(
            self.device_id, syncs, tuple(UserMessageSyncAck(*each) for each in acks), limit, None, initial
        )
        tree = await self.outcome(request)
        assert isinstance(tree, Mapping), tree
        answer = orjson.loads(orjson.dumps(tree))
        assert list(answer) == ["syncs", "syncAcks"]
        self.got = answer["syncs"]
        return [(ack["messageId"], ack["deviceMessageId"]) for ack in answer["syncAcks"]]

    async def outcome(self, request: UserMessageSyncRequest) -> Settled[UserMessageSyncResponse]:
        (outcome,) = await Syncs(self.rig.mailbox).sync([(request, context(self.account_id, "message.sync"))])
        return await outcome if isawaitable(outcome) else outcome

    @property
    def changes(self) -> list[tuple[int, int, int]]:
        """Return operation, message id and the device's id of each change of the last answer."""
        return [(each["operation"], each["messageId"], each["deviceMessageId"]) for each in self.got]

    @property
    def acks(self) -> list[tuple[int, int]]:
        """Return acks of the last answer: what is new here gets the message's id and a thousand."""
        return [(each["messageId"], each["deviceMessageId"] or 1000 + each["messageId"]) for each in self.got]

    async def catch_up(self) -> list[tuple[int, int, int]]:
        """Sync and ack until there is nothing more; return all that came."""
        found: list[tuple[int, int, int]] = []
        await self.sync()
        while self.got:
            found += self.changes
            await self.sync(acks=self.acks)
        return found


def insertion(device_message_id: int, address: str = FRIEND, **fields: Any) -> UserMessageSync:
    """Return a message that is new on a device."""
    return UserMessageSync(INSERT, 0, device_message_id, address, **fields)


def update(message_id: int = 0, device_message_id: int = 0, **fields: Any) -> UserMessageSync:
    return UserMessageSync(UPDATE, message_id, device_message_id, **fields)


def deletion(message_id: int = 0, device_message_id: int = 0) -> UserMessageSync:
    return UserMessageSync(DELETE, message_id, device_message_id)
