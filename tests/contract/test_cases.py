"""Contract cases: every operation's requests and expected answers, over HTTP, as JSON and as XML.

A case is a fresh account and steps. In a request and an answer `$name` stands for a value: the first answer that
has it binds it, later ones must be equal; `$msisdn`, `$plus` and `$password` are the account's own.
`{"$repeat": [text, n]}` is a long text, `{"$length": n}` any list of that length, `<any>` anything, `<now>` a date
of the last minute. A step may name `account` `other`, a `status` other than 200, and how many `times` it runs.
"""

import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from shared.contract.catalogue import OPERATIONS
from shared.contract.operation import AnyOperation
from tests.contract.case_formats import FORMATS, Tree, Wire
from tests.running import Account, Stack

_CASES = Path(__file__).parent / "cases"
_BY_NAME: dict[str, AnyOperation] = {each.name: each for each in OPERATIONS}
_FRESH_MS = 60_000


def _cases() -> list[Any]:
    return [
        pytest.param(case, name, id=f"{path.stem}: {case['label']} [{name}]")
        for path in sorted(_CASES.glob("*.json"))
        for case in json.loads(path.read_text(encoding="utf-8"))
        for name in case.get("formats", FORMATS)
    ]


@pytest_asyncio.fixture(scope="session")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest_asyncio.fixture(scope="session")
async def accounts(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Account]:
    """Return an account for every case and its neighbour, made at once."""
    return iter(await stack.accounts(2 * len(request.session.items)))


@pytest.mark.parametrize(("case", "form"), _cases())
async def test_case(
    case: Tree, form: str, stack: Stack, accounts: Iterator[Account], session: aiohttp.ClientSession
) -> None:
    await _Run(stack, accounts, session, FORMATS[form], form).case(case)


class _Run:
    def __init__(
        self,
        stack: Stack,
        accounts: Iterator[Account],
        session: aiohttp.ClientSession,
        wire: Wire,
        mount: str,
    ) -> None:
        self._stack = stack
        self._accounts = accounts
        self._session = session
        self._wire = wire
        self._mount = mount
        self._bound: Tree = {}
        self._tokens: dict[str, str] = {}

    async def case(self, case: Tree) -> None:
        account = next(self._accounts)
        self._tokens["own"] = account.auth_token
        self._bound = {
            "$msisdn": int(account.msisdn),
            "$plus": f"+{account.msisdn}",
            "$password": account.password,
        }
        for step in case["steps"]:
            for _ in range(step.get("times", 1)):
                await self._step(step)

    async def _step(self, step: Tree) -> None:
        operation = _BY_NAME[step["operation"]]
        secrets = {"apiKey": self._stack.api_key, "authToken": self._token(step.get("account", "own"))}
        own = {key: secrets[key] for key in operation.credentials.value}
        tree = {**own, **{key: self._filled(value) for key, value in step["request"].items()}}
        url = f"{self._stack.base_url}/{self._mount}{operation.path}"
        headers = {"Content-Type": self._wire.content_type}
        async with self._session.post(url, data=self._wire.write(operation, tree), headers=headers) as response:
            body = await response.read()
            assert response.status == step.get("status", 200), step
            if response.status == 200:
                assert response.headers["Content-Type"] == self._wire.content_type
                self._compare(step["expect"], self._wire.read(operation, body), step)

    def _token(self, who: str) -> str:
        if who not in self._tokens:
            self._tokens[who] = next(self._accounts).auth_token
        return self._tokens[who]

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict) and "$repeat" in value:
            text, times = value["$repeat"]
            return text * times
        return self._bound.get(value, value) if isinstance(value, str) else value

    def _compare(self, expected: Any, found: Any, where: object) -> None:
        if isinstance(expected, dict) and not expected.keys() & {"$repeat", "$length"}:
            assert isinstance(found, dict), where
            assert expected.keys() == found.keys(), (where, found)
            for key, value in expected.items():
                self._compare(value, found[key], where)
        elif isinstance(expected, list):
            assert len(expected) == len(found), (where, found)
            for value, other in zip(expected, found, strict=True):
                self._compare(value, other, where)
        else:
            self._compare_leaf(expected, found, where)

    def _compare_leaf(self, expected: Any, found: Any, where: object) -> None:
        if isinstance(expected, dict) and "$length" in expected:
            assert len(found) == expected["$length"], where
        elif expected == "<now>":
            assert abs(time.time() * 1000 - found) < _FRESH_MS, where
        elif isinstance(expected, str) and expected.startswith("$"):
            self._bind(expected, found, where)
        elif expected != "<any>":
            wanted = self._filled(expected)
            assert (type(found), found) == (type(wanted), wanted), where

    def _bind(self, name: str, found: Any, where: object) -> None:
        taken = [key for key, value in self._bound.items() if value == found and key != name]
        assert not taken, (where, f"{name} is the same as {taken}")
        assert self._bound.setdefault(name, found) == found, where
