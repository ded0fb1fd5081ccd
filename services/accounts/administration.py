"""What the command line reads and writes of API keys, accounts, tokens and contacts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import asyncpg

from services.accounts.contact_book import Contact
from services.accounts.tokens import digest
from shared.command_line import CommandFailed
from shared.postgres.pool import Connection, Database
from shared.postgres.queries import Queries

_SECONDS = 30.0

Row = dict[str, Any]


class Administration:
    """Administers API keys, accounts, tokens and contacts; raises `CommandFailed` where something is not there."""

    def __init__(self, database: Database, queries: Queries) -> None:
        self._database = database
        self._queries = queries

    async def create_key(self, name: str, api_key: str) -> int:
        """Store a new API key and return its id."""
        with _unique("there is such an API key already"):
            return int(await self._value("create_key", name, digest(api_key)))

    async def rotate_key(self, key_id: int, api_key: str) -> None:
        """Give an application another API key; its tokens stay valid, with the new one."""
        with _unique("there is such an API key already"):
            if await self._value("rotate_key", key_id, digest(api_key)) is None:
                raise CommandFailed(f"no API key {key_id}")

    async def set_key_disabled(self, key_id: int, *, disabled: bool) -> None:
        """Disable or enable an API key."""
        if await self._value("set_key_disabled", key_id, disabled) is None:
            raise CommandFailed(f"no API key {key_id}")

    async def keys(self) -> list[Row]:
        """Return every API key without its secret."""
        return [dict(row) for row in await self._rows("list_keys")]

    async def require_key(self, key_id: int) -> None:
        """Raise `CommandFailed` when there is no such API key."""
        if await self._value("key_exists", key_id) is None:
            raise CommandFailed(f"no API key {key_id}")

    async def create_accounts(
        self, people: Sequence[tuple[str | None, str | None]], tokens: Sequence[str], key_id: int
    ) -> list[int]:
        """Store accounts of (number, password hash), all or none, and a token for each when there are some.

        Returns their ids in the given order.
        """
        numbers, hashes = [number for number, _ in people], [hashed for _, hashed in people]
        with _unique("a number already has an account: nothing was stored of these"):
            async with self._database.transaction(timeout=_SECONDS) as connection:
                await self._forget_attempts(connection, None, [number for number in numbers if number])
                rows = await connection.fetch(self._queries["create_accounts"], numbers, hashes)
                ids = [int(row["id"]) for row in rows]
                if tokens:
                    await self._add_tokens(connection, tokens, ids, key_id)
        return ids

    async def add_token(self, token: str, account_id: int, key_id: int) -> None:
        """Store a token of an account."""
        async with self._database.transaction(timeout=_SECONDS) as connection:
            await self._add_tokens(connection, [token], [account_id], key_id)

    async def account_id(self, id_or_msisdn: str) -> int:
        """Return the account that is meant: `+digits` a number, `id:digits` an id, digits alone either."""
        rows = await self._rows("find_accounts", *_asked(id_or_msisdn))
        if not rows:
            raise CommandFailed("no such account")
        if len(rows) > 1:
            raise CommandFailed("this is the number of one account and the id of another: write +… or id:…")
        return int(rows[0]["id"])

    async def set_account_disabled(self, account_id: int, *, disabled: bool) -> None:
        """Disable or enable an account."""
        await self._value("set_account_disabled", account_id, disabled)

    async def set_password(self, account_id: int, password_hash: str) -> None:
        """Give an account another password and end a block of its number; its tokens stay valid."""
        async with self._database.transaction(timeout=_SECONDS) as connection:
            await self._forget_attempts(connection, account_id)
            if await connection.fetchval(self._queries["set_password"], account_id, password_hash) is None:
                raise CommandFailed("an account without a number has no password")

    async def unblock(self, account_id: int) -> None:
        """End the block of an account's number and forget its wrong passwords."""
        async with self._database.transaction(timeout=_SECONDS) as connection:
            await self._forget_attempts(connection, account_id)

    async def set_number(self, account_id: int, number: str) -> bool:
        """Give an account another number; return whether it has a password, without which it cannot log in."""
        with _unique("this number already has an account"):
            async with self._database.transaction(timeout=_SECONDS) as connection:
                await self._forget_attempts(connection, account_id, [number])
                return bool(await connection.fetchval(self._queries["set_number"], account_id, number))

    async def remove_number(self, account_id: int) -> None:
        """Take an account's number away, and with it the password."""
        async with self._database.transaction(timeout=_SECONDS) as connection:
            await self._forget_attempts(connection, account_id)
            await connection.execute(self._queries["remove_number"], account_id)

    async def account(self, account_id: int) -> Row:
        """Return what is known of an account, without its secrets."""
        (row,) = await self._rows("show_account", account_id)
        return dict(row)

    async def accounts(self, after_id: int, limit: int) -> list[Row]:
        """Return up to `limit` accounts with ids above `after_id`, by id."""
        return [dict(row) for row in await self._rows("list_accounts", after_id, limit)]

    async def tokens(self, account_id: int) -> list[Row]:
        """Return an account's valid tokens, oldest first, each by the beginning of its digest."""
        return [dict(row) for row in await self._rows("list_tokens", account_id)]

    async def revoke_tokens(self, account_id: int, key_id: int | None, fingerprint: str | None = None) -> int:
        """Revoke an account's tokens, all or those of one API key or fingerprint; return how many there were."""
        return int(await self._value("revoke_tokens", account_id, key_id, fingerprint))

    async def revoke_token(self, token: str) -> int:
        """Revoke one token and return its account."""
        account_id = await self._value("revoke_token", digest(token))
        if account_id is None:
            raise CommandFailed("no such token, or it was revoked before")
        return int(account_id)

    async def replace_contacts(self, account_id: int, contacts: Sequence[Contact]) -> None:
        """Make these an account's contacts instead of those that it has."""
        rows = [(account_id, place, each.name, each.msisdns) for place, each in enumerate(contacts)]
        async with self._database.transaction(timeout=_SECONDS) as connection:
            await connection.execute(self._queries["lock_account"], account_id)
            await connection.execute(self._queries["clear_contacts"], account_id)
            await connection.copy_records_to_table(
                "contact", records=rows, columns=("account_id", "place", "name", "msisdns")
            )

    async def contacts(self, account_id: int) -> list[Row]:
        """Return an account's contacts in their order."""
        return [dict(row) for row in await self._rows("contacts_of", account_id)]

    async def _forget_attempts(
        self, connection: Connection, account_id: int | None, numbers: Sequence[str] = ()
    ) -> None:
        await connection.execute(self._queries["forget_attempts"], account_id, numbers)

    async def _add_tokens(
        self, connection: Connection, tokens: Sequence[str], account_ids: Sequence[int], key_id: int
    ) -> None:
        hashes = [digest(token) for token in tokens]
        await connection.execute(self._queries["add_tokens"], hashes, account_ids, key_id)

    async def _value(self, query: str, *arguments: object) -> Any:
        return await self._database.fetchval(self._queries[query], *arguments, timeout=_SECONDS)

    async def _rows(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        return await self._database.fetch(self._queries[query], *arguments, timeout=_SECONDS)


@contextmanager
def _unique(failure: str) -> Iterator[None]:
    try:
        yield
    except asyncpg.UniqueViolationError:
        raise CommandFailed(failure) from None


def _asked(text: str) -> tuple[int | None, str | None]:
    """Return the id and the number that the text may stand for."""
    digits = text.removeprefix("id:").removeprefix("+")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 19):  # noqa: PLR2004 - more is no bigint
        raise CommandFailed("neither an id nor a number")
    if text.startswith("+"):
        return None, digits
    return int(digits), None if text.startswith("id:") else digits
