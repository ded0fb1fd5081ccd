"""Passwords: argon2id, in threads, since it keeps a core busy for 20 ms and lets go of the interpreter."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Self

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError

# OWASP's second choice for argon2id: 19 MiB, two passes, one lane.
_MEMORY_KIB = 19 * 1024
_PASSES = 2
_LANES = 1


class Passwords:
    """Hashes and verifies in `threads` threads; each call in progress takes 19 MiB. Close it after use."""

    def __init__(self, threads: int = 2) -> None:
        self._hasher = PasswordHasher(_PASSES, _MEMORY_KIB, _LANES, type=Type.ID)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="argon2")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(cancel_futures=True)

    async def hashed(self, password: str) -> str:
        """Return the password's hash with its salt and parameters, as text."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, password)

    async def right(self, password: str, hashed: str) -> bool:
        """Whether the password is the hashed one."""
        verify = partial(self._verify, password, hashed)
        return await asyncio.get_running_loop().run_in_executor(self._threads, verify)

    def _verify(self, password: str, hashed: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except VerifyMismatchError:
            return False
