"""Sync: what a device changes, what it is told, and what it must never be told."""

from deploy.local.servers import Servers
from tests.integration.mailbox_rig import accounts, mailbox_rig
from tests.integration.sync_rig import DELETE, INSERT, UPDATE, Phone, deletion, insertion, update


async def test_what_a_device_makes_is_stored_acked_and_not_told_back(servers: Servers) -> None:
    async with mailbox_rig(servers.postgres.url) as rig:
        account = next(accounts)
        phone, other = await Phone.registered(rig, account), await Phone.registered(rig, account)
        assert await phone.sync(insertion(7, message="mine"), insertion(8)) == [(1, 7), (2, 8)]
        assert phone.got == []
        assert await other.catch_up() == [(INSERT, 1, 0), (INSERT, 2, 0)]
        assert await phone.catch_up() == []
        assert await phone.sync(update(1, read=True), deletion(0, 8)) == [(1, 0), (0, 8)]
        assert await other.catch_up() == [(UPDATE, 1, 1001), (DELETE, 2, 1002)]
        assert await phone.catch_up() == []
        await rig.assert_counted(account)
