"""Calls of the running service by accounts, and what an account sees of itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import asyncpg

from shared.contract.operation import AnyOperation
from tests.contract.case_formats import FORMATS, Tree
from tests.contract.exchange import Answer, Exchange, send
from tests.contract.valid_requests import NOBODY, PUBLIC, VALID
from tests.running import Account, Stack

OPERATIONS: Mapping[str, AnyOperation] = {each.name: each for each in PUBLIC}
UNKNOWN_ID = 2_000_000_000


@dataclass(frozen=True)
class Targets:
    """What a request points at."""

    message_id: int
    address: str
    device_id: int


UNKNOWN = Targets(UNKNOWN_ID, "Nobody at all", UNKNOWN_ID)


def aimed(tree: Tree, targets: Targets) -> Tree:
    """Return a request with every id and address in it replaced."""
    values = {
        "messageId": targets.message_id,
        "messageIds": [targets.message_id],
        "address": targets.address,
        "addresses": [targets.address],
        "deviceId": targets.device_id,
    }
    return {key: values.get(key, value) for key, value in tree.items()}


class Calls:
    """Calls at one gateway."""

    def __init__(self, session: aiohttp.ClientSession, stack: Stack, base_url: str = "") -> None:
        self._session = session
        self._stack = stack
        self._base_url = base_url or stack.base_url

    async def answer(
        self, operation: AnyOperation, account: Account, tree: Tree, form: str, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Call as an account; the tree may have secrets of its own."""
        secrets = {"apiKey": self._stack.api_key, "authToken": account.auth_token}
        own = {key: secrets[key] for key in operation.credentials.value}
        body = FORMATS[form].write(operation, {**own, **tree})
        exchange = Exchange(operation=operation, form=form, label="", body=body, headers=headers or {})
        return await send(self._session, self._base_url, exchange)

    async def code(
        self, operation: AnyOperation, account: Account, tree: Tree, form: str, headers: Mapping[str, str] | None = None
    ) -> int:
        """Call as an account and return the code."""
        answer = await self.answer(operation, account, tree, form, headers)
        assert answer.status == 200, answer
        return int(FORMATS[form].read(operation, answer.body)["errorCode"])

    async def tree(self, name: str, account: Account, tree: Tree) -> Tree:
        """Call as an account, which must succeed, and return the answer."""
        operation = OPERATIONS[name]
        answer = await self.answer(operation, account, tree, "json")
        found = FORMATS["json"].read(operation, answer.body)
        assert found["errorCode"] == 0, (name, found)
        return found

    async def furnished(self, account: Account) -> Targets:
        """Give an account messages of every kind and a device, and return what a request may point at."""
        messages: tuple[Tree, ...] = ({}, {"read": True, "locked": True}, {"incoming": False, "origin": 7})
        for each in messages:
            request = {"address": NOBODY, "message": "hello", "dateSent": 0, **each}
            message_id = (await self.tree("message.insert", account, request))["messageId"]
        await self.tree("message.insert", account, {"address": "Shop", "message": "buy", "dateSent": 0})
        device = await self.tree("device.create", account, VALID["device.create"].optional)
        return Targets(message_id, NOBODY, device["deviceId"])

    async def seen(self, account: Account) -> Tree:
        """Return all that an account has: its conversations, their messages, its devices."""
        conversations = (await self.tree("conversations.get", account, {}))["conversations"]
        pages = [
            await self.tree("message.get_by_conversation", account, {"address": each["address"], "limit": 1000})
            for each in conversations
        ]
        return {"conversations": conversations, "pages": pages, "devices": await self._devices(account)}

    async def _devices(self, account: Account) -> list[dict[str, Any]]:
        # No call tells of them.
        connection = await asyncpg.connect(self._stack.settings_env["DATABASE_URL"])
        try:
            query = "select * from device where account_id = $1 order by device_id"
            return [dict(row) for row in await connection.fetch(query, account.account_id)]
        finally:
            await connection.close()
