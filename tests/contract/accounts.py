"""Accounts for contract tests: made many at once, each used once."""

import asyncio
import json

from deploy.local.commands import usermessage
from tests.running import Account, Stack

# Each costs a password's hash; a command for each would cost ten times more.
_AT_ONCE = 48


class Accounts:
    """Fresh accounts of a stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._made: list[Account] = []
        self._numberless: Account | None = None

    async def fresh(self) -> Account:
        """Return an account that nobody has used."""
        if not self._made:
            self._made = await self._stack.accounts(_AT_ONCE)
        return self._made.pop()

    async def numberless(self) -> Account:
        """Return the account without a number; all cases share it."""
        if self._numberless is None:
            self._numberless = await asyncio.to_thread(self._create_numberless)
        return self._numberless

    def _create_numberless(self) -> Account:
        arguments = ("accounts", "create", "--with-token", str(self._stack.api_key_id), "--json")
        row = json.loads(usermessage(self._stack.settings_env, *arguments))
        return Account(account_id=int(row["id"]), msisdn="", password="", auth_token=str(row["auth_token"]))
