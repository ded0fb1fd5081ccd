"""Conversations of many messages, written straight into the tables, and what must be true when they are purged."""

import asyncpg

# Every third one is outgoing and unsent, every other one of the rest unread.
_FILL = """
with counted as (
  insert into mailbox (account_id, last_message_id, last_change_seq) values ($1::bigint, $2::integer, $2::integer)
),
stored as (
  insert into message (
    account_id, message_id, conversation_id, change_seq, date_sent, origin, status, incoming, read, locked, body
  )
  select $1, n, 1, n, n, 0, case n % 3 when 0 then 5 else 0 end, n % 3 > 0, n % 2 = 0, n % 10 = 0,
    'This is message ' || n || ' of a long conversation between friends'
  from generate_series(1, $2) as n
)
insert into conversation (
  account_id, conversation_id, address, messages, messages_unread, messages_unsent, max_message_id,
  newest_message_id, newest_date_sent, snippet
)
select $1, 1, $3, $2, count(*) filter (where n % 3 > 0 and n % 2 = 1), $2 / 3, $2, $2, $2,
  'This is message ' || $2 || ' of a long conversation between friends'
from generate_series(1, $2) as n
"""
_GONE = """
select
  (select count(*) from conversation where account_id = $1 and closed) as closed,
  (select count(*) from message where account_id = $1 and message_id <= $2 and not deleted) as alive
"""
# Numbers 1 to $2 are those of the inserts, which this did not announce.
_ANNOUNCED = """
select
  (select count(*) from message where account_id = $1 and message_id <= $2 and deleted and body = '') as tombstones,
  (
    select count(*) from outbox join message using (account_id, message_id, change_seq)
    where account_id = $1 and message_id <= $2 and kind = 3 and deleted
  ) as announced,
  (select count(*) from outbox where account_id = $1 and message_id <= $2) as events,
  (select count(distinct change_seq) from outbox where account_id = $1) as numbers,
  (select min(change_seq) from outbox where account_id = $1) as least,
  (select max(change_seq) from outbox where account_id = $1) as greatest,
  (select last_change_seq from mailbox where account_id = $1) as last
"""
# A million rows take longer than a statement of the service may.
_TIMEOUT = 300.0


async def fill(url: str, account_id: int, messages: int, address: str) -> None:
    """Give a new account a conversation of so many messages."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_FILL, account_id, messages, address, timeout=_TIMEOUT)
        await connection.execute("analyze message, conversation, mailbox", timeout=_TIMEOUT)
    finally:
        await connection.close()


async def assert_emptied(url: str, account_id: int, messages: int) -> None:
    """Hold the first `messages` of an account against what the purge must have made of them; tombstones may go too."""
    row = await _row(url, _GONE, account_id, messages)
    assert (row["closed"], row["alive"]) == (0, 0)


async def assert_purged(url: str, account_id: int, messages: int) -> None:
    """Hold tombstones and events against it as well, on a database on which no role works."""
    await assert_emptied(url, account_id, messages)
    row = await _row(url, _ANNOUNCED, account_id, messages)
    assert (row["tombstones"], row["announced"], row["events"]) == (messages, messages, messages)
    # Each number once, without a gap, up to the mailbox's own.
    assert (row["least"], row["greatest"]) == (messages + 1, row["last"])
    assert row["numbers"] == row["last"] - messages


async def _row(url: str, query: str, account_id: int, messages: int) -> asyncpg.Record:
    connection = await asyncpg.connect(url)
    try:
        row = await connection.fetchrow(query, account_id, messages, timeout=_TIMEOUT)
    finally:
        await connection.close()
    assert row is not None
    return row
