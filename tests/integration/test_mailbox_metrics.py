"""What is measured around mailboxes: syncs and their pages, and the wait for connections."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from deploy.local.servers import Servers
from shared.postgres.errors import DatabaseTimeout
from shared.postgres.pool import Database
from tests.integration.fresh_database import fresh_database
from tests.integration.mailbox_rig import accounts, message, shared_rig
from tests.integration.sync_rig import Phone

# How an entry begins; a text may hold it too.
TRAP = '{"messageId":1,"messageId":2}'


def measured(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"usermessage_{name}", labels) or 0.0


async def _synced(phone: Phone, limit: int) -> tuple[float, ...]:
    """Sync; return how many syncs that were, how many changes they gave and how many pages were full."""
    names = ("sync_entries_count", "sync_entries_sum", "syncs_behind_total")
    before = [measured(name) for name in names]
    await phone.sync(limit=limit, acks=phone.acks)
    return tuple(measured(name) - value for name, value in zip(names, before, strict=True))


async def test_a_sync_is_counted_with_its_changes_and_with_whether_there_may_be_more(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        phone = await Phone.registered(rig, account)
        await rig.insert(*[message(account, body=TRAP) for _ in range(5)])
        assert await _synced(phone, limit=2) == (1, 2, 1)
        assert await _synced(phone, limit=4) == (1, 3, 0)
        assert await _synced(phone, limit=4) == (1, 0, 0)


async def test_who_waits_for_a_connection_is_measured_also_where_none_comes(servers: Servers) -> None:
    async with fresh_database(servers) as url, Database(url, 1, name="narrow") as database:
        async with database.transaction(timeout=5):
            assert measured("pool_in_use", pool="narrow") == measured("pool_size", pool="narrow") == 1
            patient = asyncio.create_task(database.fetchval("select 1", timeout=5))
            before = measured("pool_wait_seconds_sum", pool="narrow")
            with pytest.raises(DatabaseTimeout):
                await database.fetchval("select 1", timeout=0.3)
            assert 0.25 < measured("pool_wait_seconds_sum", pool="narrow") - before < 2
        await patient
        assert measured("pool_wait_seconds_sum", pool="narrow") - before > 0.5
    assert measured("pool_wait_seconds_count", pool="narrow") == 3
    assert measured("pool_in_use", pool="narrow") == 0
    assert measured("database_errors_total", pool="narrow", error="DatabaseTimeout") == 1
