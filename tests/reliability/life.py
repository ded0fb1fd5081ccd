"""The life of one account with two phones, which a backup knows only the beginning of."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import Any

from shared.contract import dates
from tests.end_to_end.sync_client import FIELDS, Server, Store, SyncClient
from tests.reliability.client import Client
from tests.running import Account, Stack

ADDRESS, SOMEBODY = "+436990000001", 436_990_100_001
_MESSAGE = "/user/message"


@dataclass
class Life:
    """An account, its phones, and the ids of its messages by their texts."""

    account: Account
    client: Client
    phones: list[SyncClient]
    ids: dict[str, int] = field(default_factory=dict)

    async def call(self, path: str, **fields: Any) -> dict[str, Any]:
        answer = await self.client.call(self.account, path, **fields)
        assert answer["errorCode"] == 0, (path, answer)
        return answer

    async def insert(self, *texts: str) -> None:
        for text in texts:
            answer = await self.call(f"{_MESSAGE}/insert", address=ADDRESS, message=text)
            self.ids[text] = answer["messageId"]

    async def send(self, text: str, seconds: int, recipient: int = SOMEBODY) -> None:
        """Send a text so many seconds from now, to somebody without an account."""
        due = dates.to_xml(dates.now() + seconds * 1000)
        answer = await self.call(f"{_MESSAGE}/send", recipient=recipient, message=text, dateSendOn=due)
        self.ids[text] = answer["messageId"]

    async def update(self, text: str, **fields: Any) -> None:
        await self.call(f"{_MESSAGE}/update", messageId=self.ids[text], **fields)

    async def delete(self, text: str) -> None:
        await self.call(f"{_MESSAGE}/delete", messageId=self.ids[text])

    async def catch_up(self) -> None:
        for phone in self.phones:
            await asyncio.to_thread(phone.catch_up)

    async def found(self, query: str, count: int) -> int:
        """Search until there are so many, for the index may be behind; return how many there were at the end."""
        end = time.monotonic() + 60
        while True:
            answer = await self.client.read(self.account, f"{_MESSAGE}/search", query=query)
            if len(answer["messages"]) == count or time.monotonic() > end:
                return len(answer["messages"])
            await asyncio.sleep(0.2)

    async def stored(self) -> dict[int, dict[str, Any]]:
        """Return what the server has, in the words of devices."""
        found: dict[int, dict[str, Any]] = {}
        for conversation in (await self.call(f"{_MESSAGE}/conversations/get"))["conversations"]:
            answer = await self.call(f"{_MESSAGE}/get/by/conversation", address=conversation["address"])
            found |= {message["messageId"]: _as_devices_say(message) for message in answer["messages"]}
        return found

    async def received_by(self, friend: Account) -> list[str]:
        """Return the texts that another account has of this one."""
        path, address = f"{_MESSAGE}/get/by/conversation", f"+{self.account.msisdn}"
        answer = await self.client.call(friend, path, address=address)
        return [message["message"] for message in answer["messages"]]


def held(phone: SyncClient) -> dict[int, dict[str, Any]]:
    """Return what a phone has, by the ids of the server."""
    messages = phone.store.messages
    return {
        message_id: {name: messages[own_id].get(name) for name in FIELDS}
        for message_id, own_id in phone.store.pairs.items()
        if own_id in messages
    }


@asynccontextmanager
async def life(stack: Stack) -> AsyncIterator[Life]:
    """Yield the life of a fresh account."""
    account = await stack.account()
    async with Client(stack.base_url, stack.api_key, keep_alive=False) as client:
        with ExitStack() as connections:
            phones = []
            for _ in range(2):
                device_id = (await client.call(account, "/user/device/create", os=0))["deviceId"]
                server = connections.enter_context(closing(Server(stack.base_url, stack.api_key, account.auth_token)))
                phones.append(SyncClient(server.call, device_id, Store()))
            yield Life(account, client, phones)


def _as_devices_say(message: dict[str, Any]) -> dict[str, Any]:
    state = {name: message.get(name) for name in FIELDS}
    return state | {"status": {4: 1, 5: 3}.get(message["status"], message["status"])}
