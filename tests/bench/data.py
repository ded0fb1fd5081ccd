"""The tables before a run: the same conversations and messages for every account, analysed."""

import hashlib
from collections.abc import Sequence

import asyncpg

from tests.bench.scenarios import CONVERSATIONS, MESSAGES, TEXT, address

_EMPTY = """
truncate mailbox, conversation, message, outbox, delivery_job, delivery_part, delivery_timeline, delivery_parked,
  delivery_stranger, delivery_pace, delivery_joining, delivery_joining_part, delivery_heard
"""
_MAILBOXES = """
insert into mailbox (account_id, last_message_id, last_change_seq)
select id, $2::integer, $2::integer from unnest($1::bigint[]) as id
"""
# Conversation n, from 0, has the messages n * $3 + 1 to n * $3 + $3; a message is as old as its id is low.
_CONVERSATIONS = """
insert into conversation (
  account_id, conversation_id, address, messages, messages_unread, messages_unsent,
  max_message_id, newest_message_id, newest_date_sent, snippet
)
select id, last - size + 1, address, size, size, 0, last, last, 1700000000000 + last, left($4, 100)
from (
  select id, address, $3::integer as size, nth * $3::integer as last
  from unnest($1::bigint[]) as id, unnest($2::text[]) with ordinality as listed (address, nth)
) as wanted
"""
_MESSAGES = """
insert into message (
  account_id, message_id, conversation_id, change_seq, date_sent, origin, status, incoming, read, locked, body
)
select id, number, (number - 1) / size * size + 1, number, 1700000000000 + number, 0, 0, true, false, false, $4
from (
  select id, number, $3::integer as size
  from unnest($1::bigint[]) as id, generate_series(1, $2::integer) as number
) as wanted
"""
_TABLES = ("mailbox", "conversation", "message", "outbox", "token", "account")


async def load(url: str, tokens: Sequence[str]) -> list[int]:
    """Fill the mailboxes of the tokens' accounts anew; return the accounts' ids in the order of the tokens."""
    connection = await asyncpg.connect(url)
    try:
        accounts = await _accounts(connection, tokens)
        addresses = [address(number) for number in range(CONVERSATIONS)]
        total = CONVERSATIONS * MESSAGES
        async with connection.transaction():
            await connection.execute(_EMPTY)
            await connection.execute(_MAILBOXES, accounts, total)
            await connection.execute(_CONVERSATIONS, accounts, addresses, MESSAGES, TEXT)
            await connection.execute(_MESSAGES, accounts, total, MESSAGES, TEXT)
        for table in _TABLES:
            await connection.execute(f"vacuum analyze {table}")
        await connection.execute("checkpoint")
        return accounts
    finally:
        await connection.close()


async def _accounts(connection: asyncpg.Connection, tokens: Sequence[str]) -> list[int]:
    digests = [hashlib.sha256(token.encode()).digest() for token in tokens]
    rows = await connection.fetch(
        "select token_hash, account_id from token where token_hash = any ($1::bytea[])", digests
    )
    found = {row["token_hash"]: int(row["account_id"]) for row in rows}
    return [found[digest] for digest in digests]
