"""Delivery in this process, on a real Postgres, with carriers that do as a test says."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any
from urllib.parse import urlsplit

import orjson

from deploy.local.servers import Servers
from services.delivery.arrivals import KeptArrivals
from services.delivery.carriers.carrier import Accepted, Carrier, Outcome, Submission, Unanswered, UnknownPolicy
from services.delivery.guard_store import SharedGuards
from services.delivery.guards import Guard, Guards
from services.delivery.later_arrivals import LaterArrivals
from services.delivery.parts import KeptParts, Passing
from services.delivery.reach import Carriers, Reach, Ways
from services.delivery.recipients import Recipients
from services.delivery.store import Store
from services.delivery.twins import Twins
from services.delivery.working import Working
from shared.contract import dates
from shared.contract.faults import Away
from shared.contract.operation import AnyOperation, Identity
from shared.mailbox.sends import Send, SmsSend
from shared.mailbox.writes import NewMessage
from shared.postgres.migrate import migrate
from shared.settings import Settings
from tests.integration.delivery_rows import job, timeline
from tests.integration.fresh_database import fresh_database, on_server
from tests.integration.mailbox_rig import Rig, mailbox_rig, settled, within

NUMBER = "436990000001"
_SECONDS = 15.0
_DEFAULTS = {"delivery_retry_seconds": 0.05, "delivery_lease_seconds": 2.0, "delivery_attempts": 4}
# Copied, a database takes a tenth of the time of its migrations.
_TEMPLATE = "delivery_rigs"

Answer = Callable[[Submission], Awaitable[Outcome]]


class Scripted:
    """A carrier that answers one outcome after the other, the last one for ever, and keeps what it got."""

    window = 10
    open = True

    def __init__(self, name: str, *outcomes: Outcome, policy: UnknownPolicy = "resend", rate: float = 1000.0) -> None:
        self.name = name
        self.rate = rate
        self.unknown_policy = policy
        self.outcomes = list(outcomes)
        self.got: list[Submission] = []
        self.answer: Answer | None = None

    async def submit(self, submission: Submission) -> Outcome:
        self.got.append(submission)
        if self.answer is not None:
            return await self.answer(submission)
        if len(self.outcomes) > 1:
            return self.outcomes.pop(0)
        return self.outcomes[0] if self.outcomes else Accepted((f"{self.name}-{submission.job_id}",))

    async def close(self) -> None:
        return


@dataclass
class Scene:
    """Carriers in the order of their fallback, and what knows whose a number is."""

    carriers: Mapping[str, Scripted]
    owners: dict[int, int] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)
    receipts: bool = True
    wait_ms: int = 0
    has_file: bool = True
    away: bool = False
    fallback_seconds: float = 60.0

    @property
    def routes(self) -> "Scene":
        return self

    @property
    def names(self) -> Sequence[str]:
        return list(self.carriers)

    def choose(self, _: str, __: str, tried: Collection[str]) -> str | None:
        return next((name for name in self.carriers if name not in tried), None)

    def carrier(self, name: str) -> Carrier | None:
        return self.carriers.get(name)

    def sender(self, _: str, own: str) -> str:
        return own

    def unknown(self, _: str, __: str) -> UnknownPolicy | None:
        return None

    def gives_receipts(self, _: str) -> bool:
        return self.receipts

    def fallback_after(self, _: str) -> float:
        return self.fallback_seconds

    def unanswered(self, name: str, _: str, __: str) -> Unanswered:
        carrier = self.carriers.get(name)
        return Unanswered(carrier.unknown_policy if carrier else "fail", self.wait_ms)

    async def call(self, _: AnyOperation, request: dict[str, Any], __: Identity, ___: str) -> bytes:
        if self.away:
            raise Away("nobody answers")
        return orjson.dumps(
            {
                "accountIds": [self.owners.get(number, 0) for number in request["msisdns"]],
                "msisdns": [self.numbers.get(account, 0) for account in request["accountIds"]],
            }
        )


class DeliveryRig:
    """A delivery worker that is not running yet, its mailboxes and its tables."""

    def __init__(self, rig: Rig, scene: Scene, settings: Settings) -> None:
        self.rig = rig
        self.scene = scene
        self.store = Store(rig.database)
        self.reach = Reach(rig.mailbox, self.store, Recipients(scene), Twins(rig.mailbox))
        self.settings = settings
        passing = Passing(KeptParts(rig.database, 1000), LaterArrivals())
        self.arrivals = KeptArrivals(rig.mailbox, self.reach.recipients, self.store, passing, lambda: None)

    def worker(self, carriers: Carriers | None = None, guard: Guard | None = None) -> Working:
        """Return another worker."""
        guard = guard or Guard(SharedGuards(self.rig.database), Guards)
        return Working(self.settings, self.reach, Ways(carriers or self.scene, guard))

    async def account(self) -> int:
        """Make an account."""
        (row,) = await self.rig.rows("insert into account (msisdn) values (null) returning id")
        return int(row["id"])

    async def send(self, account_id: int, *, due_at: int | None = None, recipient: str = NUMBER) -> int:
        """Store a send and its job; return its id."""
        now = dates.now()
        stored = NewMessage(
            account_id, f"+{recipient}", "hello", now, read=True, locked=False, origin=1,
            status=4 if due_at else 1, incoming=False, date_status=due_at,
        )  # fmt: skip
        (message_id,) = await self.rig.insert(stored)
        await self.store.keep([Send(account_id, message_id, f"+{recipient}", "hello", now, due_at)])
        return message_id

    async def text(self, account_id: int, *, store: bool, sender: str = "") -> int:
        """Store a text for a carrier; return its id."""
        sends = [SmsSend(account_id, orjson.dumps([NUMBER]).decode(), "text", dates.now(), None, 0, 1, store, sender)]
        (outcome,) = await self.rig.mailbox.send_sms(sends, within(sends))
        return int(await settled(outcome) if isawaitable(outcome) else outcome)

    async def message(self, account_id: int, message_id: int) -> dict[str, Any]:
        found = await self.rig.page(account_id, f"+{NUMBER}")
        return next(each for each in found if each["messageId"] == message_id)

    async def becomes(self, account_id: int, message_id: int, state: str) -> dict[str, Any]:
        """Wait until a job has this state, and return it."""
        end = time.monotonic() + _SECONDS
        while True:
            found = await job(self.rig.url, account_id, message_id)
            if found is not None and found["state"] == state:
                return found
            assert time.monotonic() < end, f"still {found}"
            await asyncio.sleep(0.02)

    async def happened(self, account_id: int, message_id: int) -> list[tuple[str, str]]:
        return await timeline(self.rig.url, account_id, message_id)


@asynccontextmanager
async def delivery_rig(servers: Servers, *carriers: Scripted, **settings: Any) -> AsyncIterator[DeliveryRig]:
    """Give a worker's parts on a database of their own."""
    await _make_template(servers)
    async with fresh_database(servers, template=_TEMPLATE) as url, mailbox_rig(url) as rig:
        scene = Scene({carrier.name: carrier for carrier in carriers})
        yield DeliveryRig(rig, scene, Settings(**{**_DEFAULTS, **settings}))


async def _make_template(servers: Servers) -> None:
    if not await on_server(servers, f"select from pg_database where datname = '{_TEMPLATE}'"):
        await on_server(servers, f"create database {_TEMPLATE}")
        await migrate(urlsplit(servers.postgres.url)._replace(path=f"/{_TEMPLATE}").geturl(), after=True)
