"""The delivery role: what was sent reaches its recipient."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from services.delivery.arrivals import KeptArrivals
from services.delivery.binds import BindLeases
from services.delivery.guard_store import SharedGuards
from services.delivery.guards import Guard
from services.delivery.handlers import Texts, routes
from services.delivery.later_arrivals import LaterArrivals
from services.delivery.opt_out import HearingOptOuts
from services.delivery.parts import KeptParts, Passing
from services.delivery.reach import Reach, Ways
from services.delivery.reactions import Sends
from services.delivery.recipients import Recipients
from services.delivery.references import KeptReferences
from services.delivery.store import Store
from services.delivery.switchboard import switchboard
from services.delivery.twins import Twins
from services.delivery.webhooks import Webhooks
from services.delivery.working import Working
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
    """React to sends, and work on jobs; who has which number is asked of the accounts role."""
    async with (
        Database(settings.database_url, settings.pool_size, name=f"{ROLE}-store") as database,
        # Of their own: whatever else is done, binds are renewed in time.
        Database(settings.database_url, 2, name=f"{ROLE}-binds") as binding,
        AsyncExitStack() as stack,
    ):
        caller = Caller(
            [accounts.QUEUE], waiting_per_queue=settings.waiting_per_queue, waiting_total=settings.waiting_total
        )
        recipients = Recipients(caller)
        store = Store(database)
        path = Path(settings.carriers_file) if settings.carriers_file else None
        arrivals = LaterArrivals()
        leases = BindLeases(binding)
        # Carriers are closed before their slots are given back.
        await stack.enter_async_context(leases.running())
        carriers = await stack.enter_async_context(switchboard(path, arrivals, KeptReferences(database), leases))
        passing = Passing(KeptParts(database, round(1000 * settings.delivery_part_seconds)), arrivals)
        guards = SharedGuards(database)
        ways = Ways(carriers, Guard(guards, lambda: carriers.guards))
        built: list[Working] = []

        async def ready() -> None:
            await database.probe()
            await recipients.probe()

        def work(mailbox: Mailbox) -> Work:
            reach = Reach(mailbox, store, recipients, Twins(mailbox))
            working = Working(settings, reach, ways)
            kept = KeptArrivals(mailbox, recipients, store, passing, working.ended)
            built.append(working)
            arrivals.keeper = HearingOptOuts(kept, guards, lambda: carriers.opt_out_words)
            sends = Sends(reach, working.kept)
            subscriber = Subscriber(
                DELIVERY_EVENTS, sends.deliver, ready, slots=settings.slots, retry_seconds=settings.event_retry_seconds
            )
            return Work(routes=routes(Texts(mailbox, working.kept)), subscribers=[subscriber], caller=caller)

        service = await stack.enter_async_context(mailbox_role(ROLE, settings, work))
        (working,) = built
        await stack.enter_async_context(working.running())
        await stack.enter_async_context(passing.running())
        webhooks = Webhooks(carriers, arrivals).serving(settings.webhooks_host, settings.webhooks_port)
        await stack.enter_async_context(webhooks)

        async def drain() -> None:
            await asyncio.gather(service.drain(), working.drain(settings.drain_seconds))

        yield Service(service.probes, drain)
