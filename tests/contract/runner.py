"""Runs a contract case: its steps one after the other, each a call over HTTP in the case's format."""

import asyncio
import time
from functools import partial

import aiohttp

from shared.contract.operation import AnyOperation
from tests.contract.accounts import Accounts
from tests.contract.case_formats import FORMATS, Tree
from tests.contract.documented import undocumented
from tests.contract.exchange import Exchange, complaint, send
from tests.contract.matching import Names
from tests.contract.patience import until_it_holds
from tests.contract.valid_requests import PUBLIC
from tests.running import Account, Serving

_BY_NAME: dict[str, AnyOperation] = {each.name: each for each in PUBLIC}
_AT_ONCE = 32
_DAY = 86_400_000


class Runner:
    """One run of one case in one format."""

    def __init__(self, stack: Serving, accounts: Accounts, session: aiohttp.ClientSession, form: str) -> None:
        self._stack = stack
        self._accounts = accounts
        self._session = session
        self._form = form
        self._callers: dict[str, Account] = {}
        self._names = Names({})

    async def run(self, case: Tree) -> None:
        own = await self._caller("own")
        now = time.time_ns() // 1_000_000
        self._names = Names(
            {
                "$msisdn": int(own.msisdn),
                "$plus": f"+{own.msisdn}",
                "$password": own.password,
                "$yesterday": now - _DAY,
                "$tomorrow": now + _DAY,
                "$in366days": now + 366 * _DAY,
                "$in367days": now + 367 * _DAY,
            }
        )
        for step in case["steps"]:
            if step.get("eventually"):
                await until_it_holds(partial(self._step, step))
            else:
                await self._repeated(step, step.get("times", 1))

    async def _repeated(self, step: Tree, times: int) -> None:
        for done in range(0, times, _AT_ONCE):
            await asyncio.gather(*(self._step(step) for _ in range(min(_AT_ONCE, times - done))))

    async def _step(self, step: Tree) -> None:
        operation, form = _BY_NAME[step["operation"]], step.get("as", self._form)
        caller = await self._caller(step.get("account", "own"))
        secrets = {"apiKey": self._stack.api_key, "authToken": caller.auth_token}
        own = {key: secrets[key] for key in operation.credentials.value}
        tree = {**own, **{key: self._names.filled(value) for key, value in step["request"].items()}}
        status, expected = step.get("status", 200), step.get("expect")
        exchange = Exchange(
            operation=operation,
            form=form,
            label=str(step),
            body=FORMATS[form].write(operation, tree),
            headers={"Idempotency-Key": step["key"]} if "key" in step else {},
            status=status,
            code=expected["errorCode"] if expected else None,
        )
        answer = await send(self._session, self._stack.base_url, exchange)
        wrong = complaint(exchange, answer)
        assert not wrong, wrong
        if expected:
            found = FORMATS[form].read(operation, answer.body)
            self._names.match(expected, found, step)
            assert form != "json" or not undocumented(operation, found)

    async def _caller(self, who: str) -> Account:
        if who not in self._callers:
            self._callers[who] = await (self._accounts.numberless() if who == "numberless" else self._accounts.fresh())
        return self._callers[who]
