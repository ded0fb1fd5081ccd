"""Phones stay equal to the server whatever is lost, repeated or crossed; and without the rules for it they do not."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, example, given, seed, settings
from hypothesis import strategies as st

from deploy.local.servers import Servers
from tests.reliability.device import Fate
from tests.reliability.settings import FULL, SEED, SYNC_EXAMPLES
from tests.reliability.sync_phones import CLOCKS
from tests.reliability.sync_scenarios import OVERTAKEN, SCENARIOS
from tests.reliability.sync_steps import ADDRESSES, LIKELY, TEXTS, Step, play
from tests.reliability.sync_worlds import SyncWorlds

# Far more than it takes to find what is wrong by chance.
_MUTANT_EXAMPLES = 1_000
_FLAG = st.sampled_from((None, True, False))
_STEP = st.builds(
    Step,
    kind=st.sampled_from(LIKELY),
    phone=st.integers(0, len(CLOCKS) - 1),
    message=st.integers(0, 4),
    address=st.integers(0, len(ADDRESSES) - 1),
    text=st.integers(0, len(TEXTS) - 1),
    read=_FLAG,
    locked=_FLAG,
    fate=st.just(Fate.ANSWERED) | st.sampled_from(Fate),
    again=st.booleans(),
)

Play = Callable[..., None]

# What a rule is in the function that has it, and what is there without it.
_LEFT_OUT = ("device_sync", "device_behind(account_ids[place], device_ids[place], acked)", "'{}'")
_KNEW_BEFORE = ("device_write", "and message_id = target and known_seq = old.change_seq", "and message_id = target")
MUTATIONS = {
    "a message acked in a call is left out of its answer": (_LEFT_OUT, "a change in a lost answer"),
    "an own write is known only if the version before was": (_KNEW_BEFORE, "a change over one that was not known"),
}


@pytest.fixture
def plays(sync_worlds: SyncWorlds) -> Play:
    """Return what plays steps in a world of their own."""

    def played(steps: Sequence[Step], **terms: Any) -> None:
        with sync_worlds.of(sync_worlds.fresh_account(), **terms) as world:
            play(world, steps)

    return played


def _hold(plays: Play, examples: int, phases: Sequence[Phase]) -> None:
    @seed(SEED)
    @settings(
        max_examples=examples,
        phases=phases,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    @given(steps=st.lists(_STEP, min_size=30, max_size=90))
    def hold(steps: list[Step]) -> None:
        plays(steps)

    for steps in SCENARIOS.values():
        hold = example(steps=steps)(hold)
    hold()


@contextmanager
def _without(servers: Servers, function: str, rule: str, instead: str) -> Iterator[None]:
    """Run the stack without a rule."""
    whole = _on_database(servers, "select pg_get_functiondef($1::regproc)", function)
    assert whole.count(rule) == 1
    _on_database(servers, whole.replace(rule, instead))
    try:
        yield
    finally:
        _on_database(servers, whole)


def _on_database(servers: Servers, statement: str, *arguments: Any) -> str:
    async def run() -> str:
        connection = await asyncpg.connect(servers.postgres.url)
        try:
            return str(await connection.fetchval(statement, *arguments))
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(run())).result()


@pytest.mark.parametrize("name", SCENARIOS)
def test_phones_are_equal_to_the_server_after(name: str, plays: Play) -> None:
    plays(SCENARIOS[name])


def test_phones_are_equal_to_the_server_after_anything(plays: Play) -> None:
    _hold(plays, SYNC_EXAMPLES, (Phase.generate, Phase.shrink))


@pytest.mark.parametrize("rule", MUTATIONS)
def test_phones_differ_without_the_rule(rule: str, servers: Servers, plays: Play) -> None:
    mutation, scenario = MUTATIONS[rule]
    # By what the phones have at the end, not by what the answers may hold.
    unchecked = partial(plays, checked=False, settled_seconds=3)
    with _without(servers, *mutation):
        with pytest.raises(AssertionError, match="phone 0 and the server"):
            unchecked(SCENARIOS[scenario])
        with pytest.raises(AssertionError, match="and the server"):
            _hold(unchecked, _MUTANT_EXAMPLES, (Phase.generate,) if FULL else (Phase.explicit, Phase.generate))
    plays(SCENARIOS[scenario])


def test_phones_differ_that_do_not_wait(plays: Play) -> None:
    impatient = partial(plays, checked=False, patient=False, settled_seconds=3)
    with pytest.raises(AssertionError, match="phone 0 and the server"):
        impatient(SCENARIOS[OVERTAKEN])
    with pytest.raises(AssertionError, match="and the server"):
        _hold(impatient, _MUTANT_EXAMPLES, (Phase.generate,) if FULL else (Phase.explicit, Phase.generate))
