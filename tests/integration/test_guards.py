"""Guards that all workers share: the stop, opt-outs and caps, on a real Postgres."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from deploy.local.servers import Servers
from services.delivery.carriers.carrier import Submission
from services.delivery.guard_store import SharedGuards
from services.delivery.guards import Cap, Check, Reason, Sized
from shared.contract import dates
from tests.integration.mailbox_rig import Rig, accounts, shared_rig

OWN, FRIEND, ABROAD = "436990000001", "436990000002", "12025550123"
STOP = "insert into delivery_stop (at, reason) values (1, 'a test')"
DAY = 86_400_000


@pytest.fixture
async def rig(servers: Servers) -> AsyncIterator[Rig]:
    async with shared_rig(servers) as rig:
        await rig.rows("truncate delivery_opt_out, delivery_counted, delivery_stop")
        yield rig


@pytest.fixture
async def account_id(rig: Rig) -> int:
    account_id = next(accounts)
    await rig.rows("insert into account (id) overriding system value values ($1)", account_id)
    return account_id


def messages(account_id: int, *parts: int, to: str = FRIEND, counted: bool = False) -> Iterator[Sized]:
    submission = Submission(account_id, 1, 1, OWN, to, "", 0, 1)
    return (Sized(Check(submission, counted), each) for each in parts)


async def refused(rig: Rig, *asked: Sized, caps: tuple[Cap, ...] = ()) -> list[Reason | None]:
    return list(await SharedGuards(rig.database).refusals(asked, caps))


async def test_a_stop_refuses_everything(rig: Rig, account_id: int) -> None:
    assert await refused(rig, *messages(account_id, 1, 1)) == [None, None]
    await rig.rows(STOP)
    assert await refused(rig, *messages(account_id, 1, 1)) == [Reason.STOPPED] * 2
    await rig.rows("delete from delivery_stop")
    assert await refused(rig, *messages(account_id, 1)) == [None]


async def test_who_opted_out_of_a_number_gets_nothing_from_it(rig: Rig, account_id: int) -> None:
    await SharedGuards(rig.database).set_opt_out(OWN, FRIEND, out=True, at=5)
    asked = [*messages(account_id, 1), *messages(account_id, 1, to=ABROAD), *messages(account_id, 1, counted=True)]
    other = Sized(Check(asked[0].check.submission._replace(sender="436990000003")), 1)
    assert await refused(rig, *asked, other) == [Reason.OPTED_OUT, None, Reason.OPTED_OUT, None]


@pytest.mark.parametrize("written", [FRIEND, f"430{FRIEND[2:]}"])
async def test_another_way_to_write_a_number_evades_no_guard(rig: Rig, account_id: int, written: str) -> None:
    guards = SharedGuards(rig.database)
    caps = (Cap(prefix="43699", parts=1),)
    assert await refused(rig, *messages(account_id, 1, 1, to=written), caps=caps) == [None, Reason.CAPPED]
    await guards.set_opt_out(f"430{OWN[2:]}", FRIEND, out=True, at=5)
    assert await refused(rig, *messages(account_id, 1, to=written)) == [Reason.OPTED_OUT]
    await guards.set_opt_out(OWN, written, out=False, at=6)
    assert await refused(rig, *messages(account_id, 1)) == [None]


@pytest.mark.parametrize(
    ("said", "out"),
    [
        ([(True, 5), (False, 6)], False),
        ([(False, 6), (True, 5)], False),
        ([(True, 5), (False, 5)], True),
        ([(False, 5), (True, 5)], True),
        ([(True, 5), (False, 6), (True, 7)], True),
        ([(True, 5), (True, 5)], True),
    ],
)
async def test_what_was_said_last_holds_whatever_arrives_last(
    rig: Rig,
    account_id: int,
    said: list[tuple[bool, int]],
    out: bool,  # noqa: FBT001 - it is the value
) -> None:
    for each, at in said:
        await SharedGuards(rig.database).set_opt_out(OWN, FRIEND, out=each, at=at)
    assert await refused(rig, *messages(account_id, 1)) == [Reason.OPTED_OUT if out else None]


async def test_a_disabled_account_sends_nothing(rig: Rig, account_id: int) -> None:
    other = next(accounts)
    await rig.rows("insert into account (id, disabled) overriding system value values ($1, true)", other)
    asked = [*messages(other, 1), *messages(account_id, 1), *messages(other, 1, counted=True)]
    assert await refused(rig, *asked) == [Reason.DISABLED, None, Reason.DISABLED]


async def test_a_cap_counts_parts_of_a_day(rig: Rig, account_id: int) -> None:
    cap = Cap(prefix="43", parts=5)
    asked = messages(account_id, 3, 3, 2, 1)
    assert await refused(rig, *asked, caps=(cap,)) == [None, Reason.CAPPED, None, Reason.CAPPED]
    assert await refused(rig, *messages(account_id, 1, to=ABROAD), caps=(cap,)) == [None]
    await rig.rows("update delivery_counted set day = day - 1")
    assert await refused(rig, *messages(account_id, 5), caps=(cap,)) == [None]


async def test_each_account_has_caps_of_its_own(rig: Rig, account_id: int) -> None:
    other = next(accounts)
    await rig.rows("insert into account (id) overriding system value values ($1)", other)
    caps = (Cap(parts=1),)
    assert await refused(rig, *messages(account_id, 1), *messages(other, 1), caps=caps) == [None, None]


async def test_a_message_that_one_cap_refuses_counts_for_no_other(rig: Rig, account_id: int) -> None:
    caps = (Cap(prefix="43", parts=1), Cap(parts=3))
    assert await refused(rig, *messages(account_id, 2), caps=caps) == [Reason.CAPPED]
    assert await refused(rig, *messages(account_id, 3, to=ABROAD), caps=caps) == [None]
    assert await refused(rig, *messages(account_id, 1), caps=caps) == [Reason.CAPPED]


async def test_what_was_counted_counts_no_more(rig: Rig, account_id: int) -> None:
    caps = (Cap(parts=1),)
    assert await refused(rig, *messages(account_id, 1), caps=caps) == [None]
    assert await refused(rig, *messages(account_id, 1, 1, counted=True), caps=caps) == [None, None]


async def test_a_message_is_known_to_be_counted_from_the_moment_on_in_which_it_is(rig: Rig, account_id: int) -> None:
    """Or it would be counted again, or never, when its worker dies or does not hear of it."""
    job = """
    insert into delivery_job (account_id, message_id, recipient, may_be_twin, failed_status, stored_at, due_at)
    values ($1, 1, '1', false, 3, 0, 0)
    """
    counted = "select is_counted from delivery_job where account_id = $1"
    await rig.rows(job, account_id)
    for caps, parts, known in (((), 1, False), ((Cap(parts=1),), 2, False), ((Cap(parts=1),), 1, True)):
        await refused(rig, *messages(account_id, parts), caps=caps)
        assert await rig.rows(counted, account_id) == [{"is_counted": known}]


async def test_workers_share_a_cap_and_none_waits_for_ever(rig: Rig) -> None:
    several = [next(accounts) for _ in range(5)]
    await rig.rows("insert into account (id) overriding system value select unnest($1::bigint[])", several)
    caps = (Cap(prefix="43", parts=50), Cap(parts=40))
    runs = []
    for turn in range(40):
        order = several if turn % 2 else several[::-1]
        runs.append(refused(rig, *(next(messages(each, 1)) for each in order for _ in range(2)), caps=caps))
    answers = [answer for run in await asyncio.gather(*runs) for answer in run]
    assert answers.count(None) == 5 * 40
    counts = await rig.rows("select account_id, prefix, parts from delivery_counted order by 1, 2")
    assert [[*row.values()] for row in counts] == [[each, prefix, 40] for each in several for prefix in ("", "43")]


async def test_counts_of_days_that_are_over_go(rig: Rig, account_id: int) -> None:
    today = dates.now() // DAY
    for day in range(5):
        await rig.rows("insert into delivery_counted values ($1, $2, '', 1)", account_id, today - day)
    await refused(rig, *messages(account_id, 1), caps=(Cap(parts=9),))
    assert [row["day"] for row in await rig.rows("select day from delivery_counted order by 1")] == [today - 1, today]


async def test_an_account_that_was_erased_meanwhile_stops_nobody(rig: Rig, account_id: int) -> None:
    gone = next(accounts)
    caps = (Cap(parts=9),)
    assert await refused(rig, *messages(gone, 1), *messages(account_id, 1), caps=caps) == [None, None]
