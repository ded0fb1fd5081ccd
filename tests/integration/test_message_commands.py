"""`usermessage messages` on a real database."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.servers import Servers
from tests.integration.terminal import Terminal, terminal_of

_STORED = """
insert into delivery_job (account_id, message_id, recipient, may_be_twin, failed_status, stored_at, due_at, state)
values ($1, 1, '436990000009', true, 3, 1367947813123, 1367947813123, 'accepted')
"""
_HAPPENED = """
insert into delivery_timeline (account_id, message_id, at, state, reason)
select $1, 1, 1367947814000 + n, state, reason
from unnest(array['queued', 'submitting', 'accepted'], array['', 'one', '']) with ordinality as s (state, reason, n)
returning 0
"""
_TWIN = """
select count(*) from message_insert(
  array[$1::bigint], array['+436990000001'], array['secret'], array[1367947813123], array[true], array[false], array[2],
  array[2::smallint], array[false], array[1367947814000], array[false], array[0], 'test', '{null}', '{null}', false
)
"""


@pytest.fixture(scope="module")
async def terminal(servers: Servers) -> AsyncIterator[Terminal]:
    async with terminal_of(servers) as terminal:
        yield terminal


async def test_a_timeline_says_when_and_why(terminal: Terminal) -> None:
    account = terminal.account("436990000002")
    await terminal.value(_STORED, account)
    await terminal.value(_HAPPENED, account)
    assert terminal.rows("messages", "timeline", f"id:{account}", "1") == [
        {"at": "2013-05-07T17:30:13.123Z", "state": "stored", "reason": ""},
        {"at": "2013-05-07T17:30:14.001Z", "state": "queued", "reason": ""},
        {"at": "2013-05-07T17:30:14.002Z", "state": "submitting", "reason": "one"},
        {"at": "2013-05-07T17:30:14.003Z", "state": "accepted", "reason": ""},
    ]
    shown = terminal.run("messages", "timeline", "+436990000002", "1").stdout
    assert shown.splitlines()[2].split() == ["2013-05-07T17:30:14.001Z", "queued"]


async def test_a_message_to_an_account_has_no_job_and_still_a_timeline(terminal: Terminal) -> None:
    account = terminal.account("436990000003")
    await terminal.value(_TWIN, account)
    assert terminal.rows("messages", "timeline", f"id:{account}", "1") == [
        {"at": "2013-05-07T17:30:13.123Z", "state": "stored", "reason": ""},
        {"at": "2013-05-07T17:30:14.000Z", "state": "delivered", "reason": "to an account"},
    ]


async def test_what_was_never_sent_has_none(terminal: Terminal) -> None:
    account = terminal.account("436990000004")
    done = terminal.run("messages", "timeline", f"id:{account}", "7")
    assert (done.returncode, done.stdout) == (1, "")
    assert "has sent no message 7" in done.stderr
