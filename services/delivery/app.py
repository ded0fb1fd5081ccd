"""The delivery role: what was sent reaches its recipient."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.delivery.reactions import Sends
from services.delivery.recipients import Recipients
from services.delivery.store import Store
from shared.bus.caller import Caller
from shared.bus.subscriber import Subscriber
from shared.bus.topology import DELIVERY_EVENTS
from shared.contract import accounts
from shared.mailbox.role import mailbox_role
from shared.mailbox.store import Mailbox
from shared.postgres.pool import Database
from shared.process import Service
from shared.settings import Settings
from shared.worker import Work

ROLE = "delivery"


@asynccontextmanager
async def delivery(settings: Settings) -> AsyncIterator[Service]:
    """React to sends; who has which number is asked of the accounts role."""
    async with Database(settings.database_url, settings.pool_size, name=f"{ROLE}-store") as database:
        caller = Caller(
            [accounts.QUEUE], waiting_per_queue=settings.waiting_per_queue, waiting_total=settings.waiting_total
        )
        recipients = Recipients(caller)

        async def ready() -> None:
            await database.probe()
            await recipients.probe()

        def work(mailbox: Mailbox) -> Work:
            sends = Sends(mailbox, recipients, Store(database))
            subscriber = Subscriber(
                DELIVERY_EVENTS, sends.deliver, ready, slots=settings.slots, retry_seconds=settings.event_retry_seconds
            )
            return Work(subscribers=[subscriber], caller=caller)

        async with mailbox_role(ROLE, settings, work) as service:
            yield service
