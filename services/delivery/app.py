"""The delivery role: what was sent reaches its recipient."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from services.delivery.arrivals import KeptArrivals
from services.delivery.binds import BindLeases, terms_of
from services.delivery.guard_store import SharedGuards
from services.delivery.guards import Guard
from services.delivery.handlers import Texts, routes
from services.delivery.heard import KeptHeard
from services.delivery.later_arrivals import LaterArrivals
from services.delivery.opt_out import HearingOptOuts
from services.delivery.parts import KeptParts, Passing
from services.delivery.reach import Reach, Ways
from services.delivery.reactions import Sends
from services.delivery.recipients import Recipients
from services.delivery.references import KeptReferences
from services.delivery.store import Store
from services.delivery.switchboard import Switchboard, switchboard
from services.delivery.twins import Twins
from services.delivery.webhooks import Webhooks
from services.delivery.working import Working, validity_ms
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


class _Links(NamedTuple):
    """The carriers, and what keeps that which they bring."""

    carriers: Switchboard
    arrivals: LaterArrivals
    passing: Passing


class _Role:
    """What the role is made of, once it has its mailbox."""

    def __init__(self, settings: Settings, database: Database, caller: Caller, links: _Links) -> None:
        self._settings = settings
        self._database = database
        self._caller = caller
        self._carriers, self._arrivals, self._passing = links
        self._recipients = Recipients(caller)
        self._store = Store(database)
        self._guards = SharedGuards(database)
        self._built: list[Working] = []

    @property
    def working(self) -> Working:
        """What goes on beside commands and events, when `work` was asked for."""
        (working,) = self._built
        return working

    def work(self, mailbox: Mailbox) -> Work:
        """Return what is done for others."""
        reach = Reach(mailbox, self._store, self._recipients, Twins(mailbox))
        guard = Guard(self._guards, lambda: self._carriers.guards)
        working = Working(self._settings, reach, Ways(self._carriers, guard))
        self._built.append(working)
        kept = KeptArrivals(mailbox, self._recipients, self._store, self._passing, working.ended)
        self._arrivals.keeper = HearingOptOuts(kept, self._guards, lambda: self._carriers.opt_out_words)
        subscriber = Subscriber(
            DELIVERY_EVENTS,
            Sends(reach, working.kept).deliver,
            self._ready,
            slots=self._settings.slots,
            retry_seconds=self._settings.event_retry_seconds,
        )
        texts = Texts(mailbox, self._carriers, working.kept, validity_ms=validity_ms(self._settings))
        return Work(routes=routes(texts), subscribers=[subscriber], caller=self._caller)

    async def _ready(self) -> None:
        await self._database.probe()
        await self._recipients.probe()


@asynccontextmanager
async def _linked(settings: Settings, database: Database) -> AsyncIterator[_Links]:
    """Open the carriers of the file; they are closed before their slots are given back."""
    path = Path(settings.carriers_file) if settings.carriers_file else None
    arrivals = LaterArrivals()
    # Of their own: whatever else is done, binds are renewed in time.
    async with Database(settings.database_url, 2, name=f"{ROLE}-binds") as binding:
        leases = BindLeases(binding, terms_of(settings.delivery_bind_seconds))
        async with (
            leases.running(),
            switchboard(path, arrivals, KeptReferences(database), leases, KeptHeard(database)) as carriers,
        ):
            yield _Links(
                carriers, arrivals, Passing(KeptParts(database, round(1000 * settings.delivery_part_seconds)), arrivals)
            )


@asynccontextmanager
async def delivery(settings: Settings) -> AsyncIterator[Service]:
    """React to sends, and work on jobs; who has which number is asked of the accounts role."""
    async with (
        Database(settings.database_url, settings.pool_size, name=f"{ROLE}-store") as database,
        AsyncExitStack() as stack,
    ):
        caller = Caller(
            [accounts.QUEUE], waiting_per_queue=settings.waiting_per_queue, waiting_total=settings.waiting_total
        )
        links = await stack.enter_async_context(_linked(settings, database))
        role = _Role(settings, database, caller, links)
        service = await stack.enter_async_context(mailbox_role(ROLE, settings, role.work))
        working = role.working
        await stack.enter_async_context(working.running())
        await stack.enter_async_context(links.passing.running())
        webhooks = Webhooks(links.carriers, links.arrivals).serving(settings.webhooks_host, settings.webhooks_port)
        await stack.enter_async_context(webhooks)

        async def drain() -> None:
            await asyncio.gather(service.drain(), working.drain(settings.drain_seconds))

        yield Service(service.probes, drain)
