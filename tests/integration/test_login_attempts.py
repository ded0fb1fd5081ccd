"""Wrong passwords, blocks and keys of a login, on a real database; time passes by moving what is stored back."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from deploy.local.servers import Servers
from services.accounts.store import SQL, NewToken, Store
from shared.contract.accounts import UserLoginRequest
from shared.contract.faults import Fault, Refused
from shared.contract.operation import Identity
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries
from tests.integration.accounts_rig import NUMBER, House, accounts_database, context, fresh_house

WRONG, BLOCKED = Fault.CREDENTIALS_WRONG, Fault.LOGIN_BLOCKED
NOBODYS = NUMBER + 1
EARLIER = """
update login_attempt
set wrong_at = array(select wrong - $1::int * interval '1 second' from unnest(wrong_at) as wrong),
    blocked_until = blocked_until - $1::int * interval '1 second',
    forget_at = forget_at - $1::int * interval '1 second'
"""
MINUTE, HOUR = 60, 3600


@pytest.fixture(scope="module")
async def database(servers: Servers) -> AsyncIterator[Database]:
    async with accounts_database(servers) as database:
        yield database


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with fresh_house(database) as house:
        yield house


async def wait(house: House, seconds: int) -> None:
    """Let time pass."""
    await house.database.fetch(EARLIER, seconds, timeout=5)


async def wrong(house: House, times: int) -> list[Fault]:
    return [await house.fault(f"wrong {place}") for place in range(times)]


async def block_seconds(house: House) -> int:
    """Return how long the block of the number still lasts."""
    query = "select extract(epoch from blocked_until - now()) from login_attempt"
    return round(float(await house.database.fetchval(query, timeout=5)))


async def test_five_wrong_passwords_block_the_number_for_a_quarter_of_an_hour(house: House) -> None:
    assert await wrong(house, 5) == [WRONG] * 5
    assert await wrong(house, 2) == [BLOCKED] * 2
    assert await house.fault("right") is BLOCKED
    await wait(house, 14 * MINUTE)
    assert await house.fault("right") is BLOCKED
    await wait(house, MINUTE + 1)
    assert await house.login("right")


async def test_a_blocked_number_costs_no_password_check(house: House) -> None:
    await wrong(house, 5)
    assert house.passwords.checked == 5
    assert await wrong(house, 3) == [BLOCKED] * 3
    assert house.passwords.checked == 5


async def test_wrong_passwords_count_for_a_quarter_of_an_hour_each(house: House) -> None:
    await wrong(house, 1)
    await wait(house, 10 * MINUTE)
    await wrong(house, 3)
    await wait(house, 6 * MINUTE)
    assert await wrong(house, 2) == [WRONG] * 2
    assert await house.fault("wrong") is BLOCKED


async def test_success_forgets_wrong_passwords(house: House) -> None:
    for _ in range(3):
        assert await wrong(house, 4) == [WRONG] * 4
        assert await house.login("right")


async def test_blocks_in_a_row_double_up_to_a_day(house: House) -> None:
    lengths = []
    for _ in range(9):
        assert await wrong(house, 5) == [WRONG] * 5
        lengths.append(await block_seconds(house))
        await wait(house, lengths[-1] + 1)
    expected = [quarters * 15 * MINUTE for quarters in (1, 2, 4, 8, 16, 32, 64, 96, 96)]
    assert lengths == pytest.approx(expected, abs=10)


async def test_the_next_block_is_short_again_after_a_success_or_a_quiet_day(house: House) -> None:
    for pause in (15 * MINUTE + 1, 25 * HOUR + MINUTE):
        await wrong(house, 5)
        await wait(house, pause)
    await wrong(house, 5)
    assert await block_seconds(house) == pytest.approx(15 * MINUTE, abs=10)
    await wait(house, 15 * MINUTE + 1)
    await house.login("right")
    await wrong(house, 5)
    assert await block_seconds(house) == pytest.approx(15 * MINUTE, abs=10)


async def test_tokens_stay_valid_during_a_block(house: House) -> None:
    token = await house.login("right")
    await wrong(house, 5)
    (named,) = await house.named(("key-one", token))
    assert named.account_id == house.account_id


async def test_a_hundred_guesses_at_once_are_told_of_five(house: House) -> None:
    faults = Counter(await asyncio.gather(*(house.fault(f"wrong {place}") for place in range(100))))
    assert faults == {WRONG: 5, BLOCKED: 95}


async def test_a_right_guess_that_a_block_overtook_is_answered_like_a_wrong_one(house: House) -> None:
    house.passwords.free.clear()
    login = asyncio.create_task(house.fault("right"))
    while not house.passwords.checked:  # noqa: ASYNC110 - until it has seen that there is no block
        await asyncio.sleep(0)
    for _ in range(5):
        await house.database.fetch("select count_wrong_password($1)", str(NUMBER), timeout=5)
    house.passwords.free.set()
    assert await login is BLOCKED
    assert await house.database.fetchval("select count(*) from token", timeout=5) == 0


async def test_another_password_and_the_operator_end_a_block(house: House) -> None:
    await wrong(house, 5)
    await house.administration.unblock(house.account_id)
    assert await house.login("right")
    await wrong(house, 5)
    await house.administration.set_password(house.account_id, await house.passwords.hashed("new"))
    assert await house.login("new")


async def test_unknown_numbers_leave_nothing_and_cost_no_password_check(house: House) -> None:
    for _ in range(7):
        assert await house.fault("wrong", number=NOBODYS) is Fault.NUMBER_NOT_KNOWN
    assert house.passwords.checked == 0
    assert await house.database.fetchval("select count(*) from login_attempt", timeout=5) == 0


async def test_hidden_unknown_numbers_answer_check_and_block_like_known_ones(house: House) -> None:
    accounts = house.hiding(await house.passwords.hashed("nobody knows"))
    identity = Identity(0, house.applications[0], None)

    async def answers(number: int) -> tuple[list[Fault], int]:
        before, faults = house.passwords.checked, []
        for _ in range(7):
            with pytest.raises(Refused) as refused:
                await accounts.login(UserLoginRequest(msisdn=number, password="wrong"), context(identity))
            faults.append(refused.value.fault)
        return faults, house.passwords.checked - before

    assert await answers(NUMBER) == await answers(NOBODYS) == ([WRONG] * 5 + [BLOCKED] * 2, 5)
    assert await answers(-1) == ([WRONG] * 5 + [BLOCKED] * 2, 5)
    with pytest.raises(Refused):
        await accounts.login(UserLoginRequest(msisdn=NOBODYS + 1, password="nobody knows"), context(identity))


async def test_a_number_begins_without_the_attempts_of_before_it_had_an_account(house: House) -> None:
    for _ in range(5):
        await house.database.fetch("select count_wrong_password($1)", str(NOBODYS), timeout=5)
    hashed = await house.passwords.hashed("right")
    await house.administration.create_accounts([(str(NOBODYS), hashed)], [], 0)
    assert await house.login("right", number=NOBODYS)


async def test_what_means_nothing_any_more_is_removed_by_those_that_come(house: House) -> None:
    for number in range(10):
        await house.database.fetch("select count_wrong_password($1)", str(NOBODYS + number), timeout=5)
    await wait(house, 16 * MINUTE)
    for _ in range(3):
        await house.fault("wrong")
    assert await house.database.fetchval("select array_agg(msisdn) from login_attempt", timeout=5) == [str(NUMBER)]


async def test_a_key_is_checked_against_the_one_that_was_stored(house: House) -> None:
    assert await house.fault("right", key="mine", check_key=True) is WRONG
    assert await house.login("right", key="mine")
    assert await house.login("right", key="mine", check_key=True)
    assert await house.fault("right", key="other", check_key=True) is WRONG
    assert await house.fault("right", check_key=True) is WRONG
    assert await house.fault("right", key="", check_key=True) is WRONG
    assert await house.login("right", key="other")
    assert await house.login("right", key="other", check_key=True)


async def test_a_login_without_key_or_with_a_wrong_password_keeps_the_stored_one(house: House) -> None:
    await house.login("right", key="mine")
    await house.login("right")
    await house.login("right", key="")
    assert await house.fault("wrong", key="other") is WRONG
    assert await house.login("right", key="mine", check_key=True)


async def test_a_wrong_key_counts_as_a_wrong_password(house: House) -> None:
    for _ in range(3):
        assert await house.fault("right", key="guess", check_key=True) is WRONG
    assert await wrong(house, 2) == [WRONG] * 2
    assert await house.fault("right", key="guess", check_key=True) is BLOCKED


async def test_a_disabled_account_stores_no_key_and_counts_its_wrong_ones(house: House) -> None:
    await house.administration.set_account_disabled(house.account_id, disabled=True)
    assert await house.fault("right", key="mine") is Fault.ACCESS_DENIED
    assert await house.fault("right", key="mine", check_key=True) is WRONG
    assert await wrong(house, 4) == [WRONG] * 4
    assert await house.fault("right") is BLOCKED


async def test_a_password_that_changes_while_it_is_checked_gives_no_token(house: House) -> None:
    store = Store(house.database, load_queries(SQL))
    login = await store.login_of(NUMBER, seconds=5)
    await house.administration.set_password(house.account_id, await house.passwords.hashed("other"))
    new = NewToken("token", house.applications[0], None, check_key=False)
    assert await store.conclude(login, new, seconds=5) is Fault.CREDENTIALS_WRONG
    assert [found.account_id for found in await house.named(("key-one", "token"))] == [0]
