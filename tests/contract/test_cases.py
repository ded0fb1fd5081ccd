"""Contract cases: every operation's requests and expected answers, over HTTP, as JSON and as XML.

A case is a fresh account and steps. In a request and an answer `$name` stands for a value: the first answer that
has it binds it, later ones must be equal, and `$id2` is another one than `$id1`. `$msisdn`, `$plus` and `$password`
are the account's own; `$yesterday`, `$tomorrow`, `$in366days` and `$in367days` are dates. In a request
`{"$repeat": [text, n]}` is a long text, `{"$joined": [text, ...]}` one of several, `{"$times": [entry, n]}` and
`{"$range": [first, last]}` are long lists; in an answer `{"$length": n}` is any list of that length, `{"$ids": [...]}`
a list of messages with these ids, `<any>` anything, `<now>` a date of the last minute.

A step may name an `account` (`numberless` has no number, any other name is one more account), the `key` of its
Idempotency-Key header, a `status` other than 200, how many `times` it runs (many at once), and the format that it
comes `as`. A step that is `eventually` true is repeated until its answer is as expected, for 10 s at most: what an
index answers follows the write within 2 s. Its names are bound before. What must not be found is asked after such a
step found it, or what was stored with it; otherwise it says nothing. Cases of other families are generated: see
table.py.

Search has two backends that must answer alike: its cases run on the service's own and on the embedded
one, several at a time, since they mostly wait.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest

from tests.contract.accounts import Accounts
from tests.contract.ahead import Ahead, ahead, asked_for
from tests.contract.case_formats import FORMATS, Tree
from tests.contract.runner import Runner
from tests.contract.table import load_cases
from tests.running import Stack
from tests.servers import PreparedServer

SEARCH = "message.search"


def _cases(*, of_search: bool) -> Iterator[Any]:
    for operation, cases in load_cases().items():
        for case in cases if (operation == SEARCH) is of_search else ():
            for form in case.get("formats", FORMATS):
                yield pytest.param(case, form, id=f"{operation}: {case['label']} [{form}]")


@pytest.mark.parametrize(("case", "form"), [*_cases(of_search=False)])
async def test_case(case: Tree, form: str, stack: Stack, accounts: Accounts, session: aiohttp.ClientSession) -> None:
    await Runner(stack, accounts, session, form).run(case)


@pytest.fixture(scope="module")
async def searches(
    stack: Stack, accounts: Accounts, session: aiohttp.ClientSession, request: pytest.FixtureRequest
) -> AsyncIterator[Ahead]:
    cases = asked_for(request, test_search.__name__)
    async with ahead((Runner(stack, accounts, session, form), case, form) for case, form in cases) as begun:
        yield begun


@pytest.mark.parametrize(("case", "form"), [*_cases(of_search=True)])
async def test_search(case: Tree, form: str, searches: Ahead) -> None:
    await searches.ended(case, form)


@pytest.fixture(scope="module")
async def searches_on_postgres(
    opensearch: PreparedServer,  # noqa: ARG001 - without one the service searches on Postgres, so these cases have run
    embedded_stack: Stack,
    session: aiohttp.ClientSession,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Ahead]:
    accounts, cases = Accounts(embedded_stack), asked_for(request, test_search_on_postgres.__name__)
    async with ahead((Runner(embedded_stack, accounts, session, form), case, form) for case, form in cases) as begun:
        yield begun


@pytest.mark.parametrize(("case", "form"), [*_cases(of_search=True)])
async def test_search_on_postgres(case: Tree, form: str, searches_on_postgres: Ahead) -> None:
    await searches_on_postgres.ended(case, form)
