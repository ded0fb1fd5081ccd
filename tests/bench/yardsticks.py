"""The yardsticks and the service itself: a table of what can be measured on a scenario, and with which processes."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from deploy.local.ports import free_port
from deploy.local.state import write_private
from tests.bench import bus, events, statement
from tests.bench.children import child
from tests.bench.load import Figures, closed_loop, post
from tests.bench.scenarios import Scenario
from tests.bench.stack import Service

CONNECTIONS = 64
SERVICE = "usermessage"
Run = Callable[[Scenario, float], Awaitable[Figures]]


@dataclass(frozen=True)
class Subject:
    """Something to measure: how, and whose CPU time belongs to it beside the bench's own.

    `settle` waits for what its writes have set going.
    """

    name: str
    run: Run
    pids: Mapping[str, int]
    only: Container[str] | None = None
    settle: Callable[[Scenario], Awaitable[events.Left]] | None = None

    def fits(self, scenario: Scenario) -> bool:
        return self.only is None or scenario.name in self.only


@asynccontextmanager
async def subjects(service: Service, accounts: Sequence[int], folder: Path) -> AsyncIterator[list[Subject]]:
    """Start the yardsticks, and give them with the service itself as the last."""
    environment = service.environment
    known = folder / "plain.json"
    tokens = dict(zip(service.tokens, accounts, strict=True))
    write_private(known, json.dumps({"api_key": service.api_key, "accounts": tokens}))
    bare_port, plain_port = free_port(), free_port()
    async with AsyncExitStack() as opened:
        start = opened.enter_context
        bare = start(child("bare", str(bare_port)))
        echo = start(child("bus", environment=environment))
        worker = start(child("plain.worker", environment=environment))
        gateway = start(child("plain.gateway", str(plain_port), str(known), environment=environment))
        caller = await opened.enter_async_context(bus.calling(environment["AMQP_URL"]))
        connections = await opened.enter_async_context(statement.connected(environment["DATABASE_URL"]))

        async def over_bus(scenario: Scenario, seconds: float) -> Figures:
            return await bus.measure(caller, scenario, seconds, CONNECTIONS)

        async def by_statement(group: int, scenario: Scenario, seconds: float) -> Figures:
            return await statement.measure(connections, scenario, accounts, seconds, group=group)

        servers = {name: service.pids[name] for name in ("rabbitmq", "postgres")}
        broker, database = ({name: servers[name]} for name in servers)
        plain = {"gateway": gateway, "worker": worker} | servers

        async def settle(scenario: Scenario) -> events.Left:
            left = await events.settled(environment["DATABASE_URL"], texts=scenario.settled)
            await events.handled(environment["AMQP_URL"])
            return left

        yield [
            Subject("bare aiohttp", partial(_http, bare_port, service), {"handler": bare}),
            Subject("bare bus", over_bus, {"worker": echo, **broker}),
            Subject("bare statement", partial(by_statement, 1), database, statement.KNOWN, settle),
            Subject("bare group", partial(by_statement, statement.GROUP), database, statement.GROUPED, settle),
            Subject("plain build", partial(_http, plain_port, service), plain, statement.KNOWN, settle),
            Subject(SERVICE, partial(_http, service.port, service), service.pids, settle=settle),
        ]


async def _http(port: int, service: Service, scenario: Scenario, seconds: float) -> Figures:
    url = f"http://127.0.0.1:{port}{scenario.path}"
    shared: list[list[bytes]] = [[] for _ in range(CONNECTIONS)]
    for place, token in enumerate(service.tokens):
        secrets = {"apiKey": service.api_key, "authToken": token}
        body = json.dumps({**secrets, **scenario.request(place)}).encode()
        shared[place % CONNECTIONS].append(post(url, body))
    return await closed_loop(port, shared, seconds, scenario.accepts)
