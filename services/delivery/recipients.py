"""Recipients: whose account a number is, as the accounts role says; who was found is remembered for a minute."""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

import orjson

from shared.contract.accounts import RESOLVE, ResolveRequest
from shared.contract.faults import Away, Refused
from shared.contract.operation import NOBODY, AnyOperation, Identity
from shared.contract.writing import to_tree

_REMEMBER_SECONDS = 60.0
_MOST = 100_000
_TRACE = "delivery"


class Calls(Protocol):
    """What calls the accounts role."""

    async def call(self, operation: AnyOperation, request: dict[str, Any], identity: Identity, trace: str) -> bytes: ...


class Recipients:
    """Finds accounts by their numbers and back; 0 is none. Raises `Away` where the accounts role does not answer."""

    def __init__(self, caller: Calls, clock: Callable[[], float] = time.monotonic) -> None:
        self._caller = caller
        self._accounts = _Memory(clock)
        self._numbers = _Memory(clock)

    async def find(
        self, msisdns: Collection[int], account_ids: Collection[int]
    ) -> tuple[Mapping[int, int], Mapping[int, int]]:
        """Return the account of each number, and the number of each account."""
        accounts, strange_numbers = self._accounts.known(msisdns)
        numbers, strange_accounts = self._numbers.known(account_ids)
        if strange_numbers or strange_accounts:
            answer = await self._ask(ResolveRequest(strange_numbers, strange_accounts))
            accounts |= self._accounts.learned(strange_numbers, answer["accountIds"])
            numbers |= self._numbers.learned(strange_accounts, answer["msisdns"])
        return accounts, numbers

    async def probe(self) -> None:
        """Raise `Away` while nobody would answer."""
        await self._ask(ResolveRequest())

    async def _ask(self, request: ResolveRequest) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = orjson.loads(await self._caller.call(RESOLVE, to_tree(request), NOBODY, _TRACE))
        except Refused as refused:
            raise Away(f"the accounts role answers {refused.fault.value}") from None
        return answer


class _Memory:
    """What is known for a minute."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: dict[int, tuple[float, int]] = {}

    def known(self, asked: Collection[int]) -> tuple[dict[int, int], tuple[int, ...]]:
        """Return what is known of those asked for, and which of them are not known."""
        now = self._clock()
        found = {each: kept[1] for each in asked if (kept := self._kept.get(each)) and kept[0] > now}
        return found, tuple(each for each in asked if each not in found)

    def learned(self, asked: Collection[int], answers: Collection[int]) -> dict[int, int]:
        """Remember answers, and return them by what was asked."""
        until = self._clock() + _REMEMBER_SECONDS
        if len(self._kept) + len(asked) > _MOST:
            self._kept.clear()
        found = dict(zip(asked, answers, strict=True))
        # Not what was not found: an account may come into being at any time.
        self._kept.update((each, (until, answer)) for each, answer in found.items() if answer)
        return found
