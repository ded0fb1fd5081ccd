"""Started processes tell what the table of metrics promises, of the queues and pools that they have."""

import asyncio
import time
from collections.abc import Mapping
from functools import partial

import aiohttp
import pytest

from shared.bus.topology import COMMAND_QUEUES, EVENT_QUEUES
from tests.integration.bus_rig import eventually
from tests.metric_page import MetricPage
from tests.running import Role, Stack

SECONDS = 15.0
MAILBOX = ("conversations", "messages", "delivery")
QUEUES: Mapping[str, set[str]] = {
    "accounts": {"commands.accounts", "commands.accounts.login"},
    "conversations": {"commands.conversations", "commands.conversations.delete"},
    "messages": {"commands.messages", "commands.messages.sync"},
    "search": {"commands.search"},
    "delivery": {"commands.delivery"},
}
POOLS: Mapping[str, set[str]] = {
    "conversations": {"patient", "relay", "retention", "upkeep"},
    "messages": {"patient", "relay"},
    "search": {"index"},
    "delivery": {"binds", "patient", "relay", "store"},
}

# What is looked up now and then, of all that it is looked up for.
_OF_EVENTS = ("event_queue_messages", "queue", {name for queue in EVENT_QUEUES for name in queue.arguments})
_OF_JOBS = ("delivery_jobs", "state", {"waiting", "submitting", "accepted", "ending"})
LOOKED_UP: Mapping[str, tuple[tuple[str, str, set[str]], ...]] = {
    "gateway": (("command_queue_envelopes", "queue", {queue.name for queue in COMMAND_QUEUES}),),
    "conversations": (_OF_EVENTS,),
    "messages": (_OF_EVENTS,),
    "delivery": (_OF_EVENTS, _OF_JOBS),
}
LAGS = 20

INSERT = {"operation": "message.insert"}
COUNTED: Mapping[str, tuple[tuple[str, Mapping[str, str]], ...]] = {
    "gateway": (
        ("answers_total", {**INSERT, "code": "0"}),
        ("envelope_calls_count", {"queue": "commands.messages"}),
        ("transport_faults_total", {"status": "404"}),
    ),
    "messages": (
        ("commands_total", {**INSERT, "code": "0"}),
        ("command_seconds_count", INSERT),
        ("group_commands_sum", INSERT),
    ),
}


async def _insert(stack: Stack) -> None:
    account = await stack.account()
    body = {"apiKey": stack.api_key, "authToken": account.auth_token, "address": "+436990000001", "message": "a text"}
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{stack.base_url}/json/user/message/insert", json=body) as answer:
            assert (await answer.json(content_type=None))["errorCode"] == 0
        async with session.post(f"{stack.base_url}/json/user/message/nothing", json=body) as answer:
            assert answer.status == 404


@pytest.fixture(scope="module")
async def called(stack: Stack) -> Stack:
    """Return the stack after a call, when every gauge that is looked up now and then was."""
    await _insert(stack)
    for role in ("gateway", *QUEUES):
        await eventually(partial(_was_looked_up, stack.of(role)[0]), 60)
    return stack


def _was_looked_up(role: Role) -> bool:
    page = MetricPage(role)
    looked = [page.values_of(label, f"usermessage_{name}") == of for name, label, of in LOOKED_UP.get(role.name, ())]
    return all(looked) and (page.value("usermessage_loop_lag_seconds_count") or 0) > LAGS


@pytest.mark.parametrize("role", ["gateway", *QUEUES])
def test_every_process_says_what_it_is_and_that_it_has_its_broker(called: Stack, role: str) -> None:
    page = MetricPage(called.of(role)[0])
    assert page.value("usermessage_process", role=role) == 1
    assert page.values_of("link", "usermessage_link_up") == {
        f"{role} publish", f"{role} {'receive' if role == 'gateway' else 'consume'}"
    }  # fmt: skip
    assert page.value("usermessage_link_up") == 2
    assert (page.value("usermessage_loop_lag_seconds_count", role=role) or 0) > LAGS
    assert page.value("usermessage_draining") == 0
    assert all(each.name.startswith(("usermessage_", "process_", "python_")) for each in page.samples)


def test_a_gateway_tells_of_every_queue_that_it_calls(called: Stack) -> None:
    page = MetricPage(called.of("gateway")[0])
    queues = {queue.name for queue in COMMAND_QUEUES}
    for name in ("calls_waiting", "calls_in_flight", "command_queue_consumers", "command_queue_envelopes"):
        assert page.values_of("queue", f"usermessage_{name}") == queues
    assert page.value("usermessage_command_queue_consumers", queue="commands.search") == 1


@pytest.mark.parametrize("role", COUNTED)
async def test_an_insert_is_counted_once(called: Stack, role: str) -> None:
    before = MetricPage(called.of(role)[0])
    await _insert(called)
    page = MetricPage(called.of(role)[0])
    for name, labels in COUNTED[role]:
        assert page.more_than(before, f"usermessage_{name}", **labels) == 1, name


@pytest.mark.parametrize("role", QUEUES)
def test_a_worker_tells_of_its_queues_and_of_its_pools(called: Stack, role: str) -> None:
    page = MetricPage(called.of(role)[0])
    for name in ("commands_waiting", "commands_running", "commands_parked", "command_wait_seconds_count"):
        assert page.values_of("queue", f"usermessage_{name}") == QUEUES[role]
    pools = {role, *(f"{role}-{pool}" for pool in POOLS.get(role, ()))}
    assert page.values_of("pool", "usermessage_pool_size") == pools
    assert (page.value("usermessage_pool_wait_seconds_count") or 0) > 0


@pytest.mark.parametrize("role", MAILBOX)
def test_who_fills_the_event_queues_tells_of_them(called: Stack, role: str) -> None:
    page = MetricPage(called.of(role)[0])
    names = {name for queue in EVENT_QUEUES for name in queue.arguments}
    assert page.values_of("queue", "usermessage_event_queue_messages") == names
    assert page.value("usermessage_event_queue_consumers", queue="events.search") == 1
    assert page.value("usermessage_outbox_events") is not None


async def test_events_that_nobody_takes_are_told_by_who_fills_their_queue(called: Stack) -> None:
    called.scale({"search": 0})
    try:
        await _insert(called)
        end = time.monotonic() + SECONDS
        while True:
            page = MetricPage(called.of("messages")[0])
            if page.value("usermessage_event_queue_messages", queue="events.search"):
                break
            assert time.monotonic() < end
            await asyncio.sleep(0.5)
        assert page.value("usermessage_event_queue_consumers", queue="events.search") == 0
    finally:
        called.scale({"search": 1})


def test_delivery_tells_of_its_jobs_and_of_its_events(called: Stack) -> None:
    page = MetricPage(called.of("delivery")[0])
    assert page.values_of("state", "usermessage_delivery_jobs") == {"waiting", "submitting", "accepted", "ending"}
    assert page.value("usermessage_events_paused", queue="events.delivery") == 0
    assert page.value("usermessage_event_age_seconds", queue="events.delivery") == 0
