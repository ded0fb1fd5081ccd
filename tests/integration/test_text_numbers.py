"""Texts to a number that is written otherwise go to the same number."""

from deploy.local.servers import Servers
from services.delivery.handlers import Texts
from shared.contract.sms import RemoteSmsSendRequest
from tests.integration.delivery_rig import NUMBER, delivery_rig
from tests.integration.mailbox_rig import context


async def test_a_text_goes_to_a_number_in_its_one_form(servers: Servers) -> None:
    async with delivery_rig(servers) as rig:
        account = await rig.account()
        request = RemoteSmsSendRequest((f"+43 0{NUMBER[2:]}",), "hello", None, 0, 0, store=True)
        texts = Texts(rig.rig.mailbox, rig.scene, lambda _: None, validity_ms=1)
        await texts.send([(request, context(account))])
        (kept,) = await rig.rig.rows("select recipient from delivery_job where account_id = $1", account)
        assert kept["recipient"] == NUMBER
        assert len(await rig.rig.page(account, f"+{NUMBER}")) == 1
