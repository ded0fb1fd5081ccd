"""Accounts for contract tests: made many at once, each used once."""

from tests.running import Account, Serving

_AT_ONCE = 100


class Accounts:
    """Fresh accounts of a stack."""

    def __init__(self, stack: Serving) -> None:
        self._stack = stack
        self._made: list[Account] = []

    async def fresh(self) -> Account:
        """Return an account that nobody has used."""
        if not self._made:
            self._made = await self._stack.accounts(_AT_ONCE)
        return self._made.pop()

    async def numberless(self) -> Account:
        """Return an account without a number, that nobody has used."""
        return await self._stack.numberless_account()
