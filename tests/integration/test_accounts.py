"""Login and the look-up of credentials, on a real database."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.servers import Servers
from shared.contract.accounts import AuthenticateResponse, UserLoginRequest
from shared.contract.faults import Away, Fault
from shared.contract.operation import Identity
from shared.postgres.pool import Database
from tests.integration.accounts_rig import NUMBER, House, accounts_database, context, fresh_house

UNKNOWN = AuthenticateResponse()


@pytest.fixture(scope="module")
async def database(servers: Servers) -> AsyncIterator[Database]:
    async with accounts_database(servers) as database:
        yield database


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with fresh_house(database) as house:
        yield house


async def test_login_gives_a_token_that_names_account_application_and_number(house: House) -> None:
    token = await house.login("right")
    assert await house.named(("key-one", token)) == [
        AuthenticateResponse(application_id=house.applications[0], account_id=house.account_id, msisdn=NUMBER)
    ]


async def test_login_refuses_an_unknown_number_and_a_wrong_password(house: House) -> None:
    assert await house.fault("right", number=NUMBER + 1) is Fault.NUMBER_NOT_KNOWN
    assert await house.fault("wrong") is Fault.CREDENTIALS_WRONG
    assert await house.fault("right ") is Fault.CREDENTIALS_WRONG


async def test_a_disabled_account_hears_so_only_with_the_right_password(house: House) -> None:
    await house.administration.set_account_disabled(house.account_id, disabled=True)
    assert await house.fault("wrong") is Fault.CREDENTIALS_WRONG
    assert await house.fault("right") is Fault.ACCESS_DENIED
    await house.administration.set_account_disabled(house.account_id, disabled=False)
    assert await house.login("right")


async def test_older_tokens_stay_valid_on_a_new_login(house: House) -> None:
    tokens = [await house.login("right") for _ in range(3)]
    named = await house.named(*(("key-one", token) for token in tokens))
    assert [each.account_id for each in named] == [house.account_id] * 3
    assert len(set(tokens)) == 3


async def test_a_token_is_valid_only_with_the_application_that_got_it(house: House) -> None:
    token = await house.login("right", application=1)
    one, two = await house.named(("key-one", token), ("key-two", token))
    assert (one.application_id, one.account_id) == (house.applications[0], 0)
    assert (two.application_id, two.account_id) == (house.applications[1], house.account_id)


async def test_unknown_secrets_name_nobody_and_answers_keep_their_places(house: House) -> None:
    token = await house.login("right")
    known = ("key-one", token)
    named = await house.named(("", ""), known, ("key-none", token), ("key-one", "none"), known)
    assert [each.account_id for each in named] == [0, house.account_id, 0, 0, house.account_id]
    assert named[0] == named[2] == UNKNOWN
    assert named[3] == AuthenticateResponse(application_id=house.applications[0])


async def test_disabled_is_a_flag_of_application_and_account(house: House) -> None:
    token = await house.login("right")
    await house.administration.set_key_disabled(house.applications[0], disabled=True)
    await house.administration.set_account_disabled(house.account_id, disabled=True)
    (named,) = await house.named(("key-one", token))
    assert (named.application_disabled, named.account_disabled) == (True, True)
    assert named.account_id == house.account_id


async def test_revoked_tokens_name_nobody(house: House) -> None:
    one, two, other = (
        await house.login("right"),
        await house.login("right"),
        await house.login("right", application=1),
    )
    await house.administration.revoke_token(one)
    named = await house.named(("key-one", one), ("key-one", two))
    assert [each.account_id for each in named] == [0, house.account_id]
    assert await house.administration.revoke_tokens(house.account_id, house.applications[0]) == 1
    named = await house.named(("key-one", two), ("key-two", other))
    assert [each.account_id for each in named] == [0, house.account_id]
    assert await house.administration.revoke_tokens(house.account_id, None) == 1
    assert (await house.named(("key-two", other)))[0].account_id == 0


async def test_an_account_without_number_has_tokens_and_no_login(house: House) -> None:
    (account_id,) = await house.administration.create_accounts([(None, None)], ["token"], house.applications[0])
    (named,) = await house.named(("key-one", "token"))
    assert (named.account_id, named.msisdn) == (account_id, None)


async def test_no_secret_is_stored_as_it_is(house: House, database: Database) -> None:
    token = await house.login("right", key="installation")
    query = """
        select concat((select string_agg(token::text, ' ') from token),
                      (select string_agg(account::text, ' ') from account),
                      (select string_agg(api_key::text, ' ') from api_key))
    """
    text = str(await database.fetchval(query, timeout=5))
    for secret in (token, "right", "key-one", "installation"):
        assert secret not in text
        assert secret.encode().hex() not in text
    assert str(NUMBER) in text


async def test_a_spent_budget_is_an_answer_and_not_a_hang(house: House) -> None:
    identity = Identity(0, house.applications[0], None)
    with pytest.raises(Away):
        await house.accounts.login(UserLoginRequest(msisdn=NUMBER, password="right"), context(identity, seconds=0))
