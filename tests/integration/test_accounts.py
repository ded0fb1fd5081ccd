"""Login and the look-up of credentials, on a real database."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from deploy.local.servers import Servers
from services.accounts.administration import Administration
from services.accounts.handlers import Accounts
from services.accounts.passwords import Passwords
from services.accounts.store import SQL, Store
from shared.bus.routes import Context
from shared.contract.accounts import AuthenticateRequest, AuthenticateResponse, UserLoginRequest
from shared.contract.faults import Away, Fault, Refused
from shared.contract.operation import NOBODY, Identity
from shared.postgres.migrate import migrate
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries
from tests.integration.fresh_database import fresh_database

NUMBER = 436990000001
UNKNOWN = AuthenticateResponse()


@dataclass(frozen=True, slots=True)
class House:
    """An account that has the number and the password "right", and two applications."""

    accounts: Accounts
    administration: Administration
    account_id: int
    applications: tuple[int, int]

    async def login(self, password: str, *, application: int = 0, number: int = NUMBER) -> str:
        identity = Identity(0, self.applications[application], None)
        request = UserLoginRequest(msisdn=number, password=password)
        return (await self.accounts.login(request, context(identity))).auth_token

    async def fault(self, password: str, *, number: int = NUMBER) -> Fault:
        with pytest.raises(Refused) as refused:
            await self.login(password, number=number)
        return refused.value.fault

    async def named(self, *secrets: tuple[str, str]) -> list[AuthenticateResponse]:
        requests = [(AuthenticateRequest(*pair), context()) for pair in secrets]
        found = await self.accounts.authenticate(requests)
        return [each for each in found if isinstance(each, AuthenticateResponse)]


def context(identity: Identity = NOBODY, *, seconds: float = 5.0) -> Context:
    return Context(identity, "test", time.monotonic() + seconds, "trace")


@pytest.fixture(scope="module")
async def database(servers: Servers) -> AsyncIterator[Database]:
    async with fresh_database(servers) as url:
        await migrate(url, after=False)
        async with Database(url, 2, name="test") as database:
            yield database


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    await database.execute("truncate account, token, api_key", timeout=5)
    queries = load_queries(SQL)
    administration = Administration(database, queries)
    with Passwords() as passwords:
        people = [(str(NUMBER), await passwords.hashed("right"))]
        (account_id,) = await administration.create_accounts(people, [], 0)
        applications = (
            await administration.create_key("one", "key-one"),
            await administration.create_key("two", "key-two"),
        )
        yield House(Accounts(Store(database, queries), passwords), administration, account_id, applications)


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
    token = await house.login("right")
    query = """
        select concat((select string_agg(token::text, ' ') from token),
                      (select string_agg(account::text, ' ') from account),
                      (select string_agg(api_key::text, ' ') from api_key))
    """
    text = str(await database.fetchval(query, timeout=5))
    for secret in (token, "right", "key-one"):
        assert secret not in text
        assert secret.encode().hex() not in text
    assert str(NUMBER) in text


async def test_a_spent_budget_is_an_answer_and_not_a_hang(house: House) -> None:
    identity = Identity(0, house.applications[0], None)
    with pytest.raises(Away):
        await house.accounts.login(UserLoginRequest(msisdn=NUMBER, password="right"), context(identity, seconds=0))
