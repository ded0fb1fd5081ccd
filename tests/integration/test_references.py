"""What jobs are called to carriers, on a real Postgres."""

from deploy.local.servers import Servers
from services.delivery.references import KeptReferences
from tests.integration.delivery_rig import delivery_rig
from tests.integration.mailbox_rig import shared_rig


async def test_jobs_of_two_databases_have_different_names_and_keep_them(servers: Servers) -> None:
    async with delivery_rig(servers) as one, shared_rig(servers) as other:
        named = await KeptReferences(one.rig.database).of(3)
        assert named.endswith("-3")
        assert await KeptReferences(one.rig.database).of(3) == named
        assert await KeptReferences(other.database).of(3) not in {named, "3"}
