"""The service in containers: it comes up from nothing, keeps the contract, survives kills and is scaled.

It runs on whatever engine answers; where none does, these tests are skipped. `COMPOSE_FILE` is honoured.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence

import aiohttp
import pytest

from deploy.docker.compose import UP
from deploy.local.roles import ROLES
from tests.contract.accounts import Accounts
from tests.contract.case_formats import FORMATS, Tree
from tests.contract.runner import Runner
from tests.contract.table import load_cases
from tests.deploy.contained import Contained, docker, inspected
from tests.reliability.client import Client, Outcome
from tests.reliability.ledger import Ledger
from tests.reliability.settings import BACK_SECONDS, SEED

MEBIBYTE = 1 << 20
MOST_OVER_BASE = 200 * MEBIBYTE
BASE = "python:3.13-slim-trixie"
SERVERS = ("postgres", "rabbitmq", "opensearch", "valkey")
CASES_AT_ONCE = 6
LEDGER_ACCOUNTS, RATE = 20, 50.0
_COMMANDS = re.compile(r'^usermessage_commands_total\{.*operation="message\.insert".*\} (\S+)$', re.MULTILINE)


@pytest.mark.parametrize("role", [*ROLES, "cli"])
def test_image_is_small_and_says_what_it_is(contained: Contained, role: str) -> None:
    assert contained
    image, base = inspected("image", [f"usermessage-{role}:latest", BASE])
    labels = image["Config"]["Labels"]
    assert image["Size"] - base["Size"] < MOST_OVER_BASE
    print(f"{role}: {(image['Size'] - base['Size']) / MEBIBYTE:.0f} MiB over its base")
    assert image["Config"]["User"] == "10001:10001"
    assert image["Config"]["Healthcheck"]["Test"][0] == "CMD"
    assert labels["org.opencontainers.image.title"] == f"usermessage-{role}"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"


@pytest.mark.parametrize("role", ROLES)
def test_role_is_healthy_without_any_right(contained: Contained, role: str) -> None:
    (container,) = inspected("container", [each["ID"] for each in contained.compose.containers(role)])
    host = container["HostConfig"]
    assert container["State"]["Health"]["Status"] == "healthy"
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    said = docker("exec", container["Id"], "sh", "-c", "id -u; touch /usermessage/x 2>&1 || ls services")
    user, refusal, *services = said.splitlines()
    assert user == "10001"
    assert "Read-only" in refusal
    assert {*services} - {"__pycache__"} == {role}


def test_only_the_gateway_is_published(contained: Contained) -> None:
    lines = contained.compose.output("ps", "--format", "json").splitlines()
    published = {
        each["Service"] for each in map(json.loads, lines) if any(p["PublishedPort"] for p in each["Publishers"])
    }
    assert published == {"gateway"}


def test_the_broker_is_rabbitmq_4(contained: Contained) -> None:
    version = contained.compose.output("exec", "--no-TTY", "rabbitmq", "rabbitmqctl", "version")
    assert version.strip().startswith("4.")


@pytest.mark.parametrize("form", FORMATS)
async def test_contract_cases(contained: Contained, form: str) -> None:
    """Run every case as its own test does; name those that failed, also by themselves: the first time many run."""
    cases = [case for found in load_cases().values() for case in found if form in case.get("formats", FORMATS)]
    async with aiohttp.ClientSession() as session:
        failed = await _failures(contained, session, form, cases, at_once=CASES_AT_ONCE)
        print(f"{len(cases)} cases as {form}, {len(failed)} failed among others")
        still = await _failures(contained, session, form, [case for case, _ in failed], at_once=1)
    assert not still, "\n\n".join(f"{case['label']}: {end}" for case, end in still)


async def _failures(
    contained: Contained, session: aiohttp.ClientSession, form: str, cases: Sequence[Tree], *, at_once: int
) -> list[tuple[Tree, BaseException]]:
    accounts, gate = Accounts(contained), asyncio.Semaphore(at_once)

    async def run(case: Tree) -> None:
        async with gate:
            await Runner(contained, accounts, session, form).run(case)

    ends = await asyncio.gather(*map(run, cases), return_exceptions=True)
    return [(case, end) for case, end in zip(cases, ends, strict=True) if end is not None]


@pytest.fixture
async def ledger(contained: Contained) -> AsyncIterator[Ledger]:
    """Yield a ledger that writes; at the end compare it with what is stored."""
    accounts = await contained.accounts(LEDGER_ACCOUNTS)
    async with Client(contained.base_url, contained.api_key) as client:
        ledger = Ledger(client, accounts, rate=RATE, seed=SEED)
        async with ledger.writing():
            await ledger.back(BACK_SECONDS)
            yield ledger
            await ledger.back(BACK_SECONDS)
        print({outcome.value: ledger.outcomes[outcome] for outcome in Outcome})
        assert await ledger.disagreements() == []
        assert ledger.outcomes[Outcome.DONE] > LEDGER_ACCOUNTS


@pytest.mark.parametrize("service", [*ROLES, *SERVERS])
async def test_nothing_is_lost_when_a_container_is_killed(contained: Contained, ledger: Ledger, service: str) -> None:
    await asyncio.sleep(1)
    await asyncio.to_thread(contained.kill, service)
    await asyncio.sleep(1)
    await asyncio.to_thread(contained.start, service)
    print(f"{service} killed, back after {await ledger.back(BACK_SECONDS):.2f} s")
    await asyncio.to_thread(contained.wait_healthy, service)


async def test_three_of_messages_share_the_work_and_no_call_fails(contained: Contained, ledger: Ledger) -> None:
    before = contained.ids()
    try:
        await asyncio.to_thread(contained.compose.output, *UP, "--scale", "messages=3")
        assert {*before.items()} < {*contained.ids().items()}
        first = await asyncio.to_thread(done, contained)
        await asyncio.sleep(10)
        works = [now - then for now, then in zip(await asyncio.to_thread(done, contained), first, strict=True)]
        print(f"inserts of each: {works}")
        assert len(works) == 3
        assert min(works) > sum(works) / 10
    finally:
        await asyncio.to_thread(contained, "scale", "messages", "1")
    assert contained.ids() == before
    assert ledger.outcomes.keys() == {Outcome.DONE}


def done(contained: Contained) -> list[float]:
    """Return how many inserts each container of the messages role has answered."""
    return [sum(map(float, _COMMANDS.findall(text))) for text in contained.metrics("messages")]


async def test_workers_are_replaced_without_a_failed_call(contained: Contained, ledger: Ledger) -> None:
    before = contained.ids()
    await asyncio.to_thread(contained, "restart", "messages")
    after = contained.ids()
    assert len(after) == len(before)
    assert len({*before.values()} - {*after.values()}) == 1
    assert ledger.outcomes.keys() == {Outcome.DONE}


async def test_another_up_disturbs_nobody(contained: Contained, ledger: Ledger) -> None:
    before = contained.ids()
    await asyncio.to_thread(contained.up)
    assert contained.ids() == before
    assert ledger.outcomes.keys() == {Outcome.DONE}
    listing = contained("ps")
    assert all(name in listing for name in before)


async def test_data_outlives_down(contained: Contained) -> None:
    (somebody,) = await contained.accounts(1)
    demo = contained.demo
    async with Client(contained.base_url, contained.api_key) as client:
        made = await client.call(somebody, "/user/message/insert", address="+436990000999", message="kept")
    await asyncio.to_thread(contained, "down")
    assert contained.ids() == {}
    await asyncio.to_thread(contained.up)
    async with Client(contained.base_url, contained.api_key) as client:
        kept = await client.call(somebody, "/user/message/get/by/conversation", address="+436990000999")
    assert [each["messageId"] for each in kept["messages"]] == [made["messageId"]]
    assert contained.demo["accounts"] == demo["accounts"]
