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

Search has two backends that must answer alike: its cases run on the service's own and on the embedded one.
"""

from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from tests.contract.accounts import Accounts
from tests.contract.case_formats import FORMATS, Tree
from tests.contract.runner import Runner
from tests.contract.table import load_cases
from tests.running import Stack
from tests.servers import PreparedServer

SEARCH = "message.search"


def _cases(*operations: str) -> Iterator[Any]:
    for operation, cases in load_cases().items():
        for case in cases if operation in operations or not operations else ():
            for form in case.get("formats", FORMATS):
                yield pytest.param(case, form, id=f"{operation}: {case['label']} [{form}]")


@pytest.mark.parametrize(("case", "form"), [*_cases()])
async def test_case(case: Tree, form: str, stack: Stack, accounts: Accounts, session: aiohttp.ClientSession) -> None:
    await Runner(stack, accounts, session, form).run(case)


@pytest.fixture(scope="module")
def embedded_accounts(opensearch: PreparedServer, embedded_stack: Stack) -> Accounts:  # noqa: ARG001
    """Return accounts of the other service; without an OpenSearch the first one has run the cases on Postgres."""
    return Accounts(embedded_stack)


@pytest.mark.parametrize(("case", "form"), [*_cases(SEARCH)])
async def test_search_on_postgres(
    case: Tree, form: str, embedded_stack: Stack, embedded_accounts: Accounts, session: aiohttp.ClientSession
) -> None:
    await Runner(embedded_stack, embedded_accounts, session, form).run(case)
