"""An account with something in every table, and a look at all that the database has of it."""

import asyncpg

from tests.integration.mailbox_rig import FRIEND, SHOP, Rig, message
from tests.integration.terminal import Terminal

APPLICATION = "Fake App"
CLOSED = "+436990000009"
# Rows of accounts are found by this column, except for those of `account` and `login_attempt`.
TABLES = """
select relname from pg_class join pg_attribute on attrelid = pg_class.oid
where attname = 'account_id' and relkind in ('r', 'p') and not relispartition
  and relnamespace = current_schema()::regnamespace
order by relname
"""
_COUNT = "select count(*) from {} where {} = $1"
# What no command of the service writes in a test.
_ROWS = """
with keys as (
  insert into done (account_id, operation, key, request_hash, answer, slot)
  select $1::bigint, 'message.insert', 'key ' || n, '', n, n % 10 from generate_series(1, 20) as n
),
known as (
  insert into device_message (account_id, device_id, message_id, known_seq, sent_seq)
  select $1, 1, n, 1, 1 from generate_series(1, 3) as n
),
departed as (insert into device_departed (account_id, device_id) values ($1, 1)),
job as (
  insert into delivery_job (account_id, message_id, recipient, may_be_twin, failed_status, stored_at, due_at)
  values ($1, 1, '436990000001', true, 3, 1, 9e15)
),
happened as (insert into delivery_timeline (account_id, message_id, at, state, reason) values ($1, 1, 1, 'queued', '')),
part as (insert into delivery_part (account_id, message_id, carrier, carrier_id) values ($1, 1, 'gone', 'x')),
counted as (insert into delivery_counted (account_id, day, prefix, parts) values ($1, 1, '', 1))
insert into device (
  account_id, os, can_send_sms, can_receive_call, can_initiate_call, push_registration_id, push_config,
  message_history_limit, created_at
) values ($1, 2, true, false, false, 'secret push id', 'secret push config', 100, 1367947813123)
"""
# One message that is there and one that is gone.
_DOCUMENTS = """
select search_write(
  array[$1::bigint, $1], array[1, 3], array[1, 3], array[1, 1], array['x', 'x'], array[false, false],
  array['first', null]
)
"""


async def full_account(terminal: Terminal, rig: Rig, number: str) -> int:
    """Create an account with a token, contacts, wrong passwords, a device and 5 messages, of which 2 are deleted."""
    account_id = terminal.account(number)
    key = terminal.row("keys", "create", APPLICATION)
    terminal.row("tokens", "create", "--account", f"id:{account_id}", "--key", str(key["id"]))
    await rig.rows("insert into contact values ($1, 0, 'Zoë', array['+436990000008'])", account_id)
    await rig.rows("select count_wrong_password($1)", number)
    await rig.rows(_ROWS, account_id)
    await rig.rows(_DOCUMENTS, account_id)
    texts = (FRIEND, "first"), (FRIEND, "Grüße\n"), (SHOP, "gone"), (SHOP, "kept"), (CLOSED, "closed")
    await rig.insert(*(message(account_id, address, body) for address, body in texts))
    await rig.rows("select message_remove($1, 3)", account_id)
    await rig.rows("select from conversation_delete(array[$1::bigint], array['[\"+436990000009\"]'::json],"
                   " 'test', '{null}', '{null}', false)", account_id)  # fmt: skip
    return account_id


async def rows_of(url: str, account_id: int, number: str = "") -> dict[str, int]:
    """Return how many rows each table has of an account, or of its number."""
    connection = await asyncpg.connect(url)
    try:
        tables = [row["relname"] for row in await connection.fetch(TABLES)]
        rows = {each: f"{each} where account_id = $1" for each in tables} | {"account": "account where id = $1"}
        found = {
            name: await connection.fetchval(f"select count(*) from {row}", account_id) for name, row in rows.items()
        }
        attempts = await connection.fetchval("select count(*) from login_attempt where msisdn = $1", number)
        return {**found, "login_attempt": attempts}
    finally:
        await connection.close()
