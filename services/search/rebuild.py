"""Making the index anew: every message that stands is written, while queries, writes and events go on."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.search.index import Index, Renewal
from services.search.indexer import documents
from shared.contract.faults import Away
from shared.mailbox.indexing import Indexing, Pointer

_SECONDS = 30.0
_WAIT_SECONDS = 1.0
# A minute or more without any step forward.
_MOST_WAITS = 60


@dataclass(slots=True)
class Rebuilt:
    """How far a rebuild is: `total` is what stood when it began, `refused` are messages that no index can take."""

    total: int
    messages: int = 0
    refused: int = 0


class Rebuild:
    """Fills an index anew. `keep_turn` is asked before each part whether to go on, `tell` is told what was done."""

    def __init__(
        self,
        mailboxes: Indexing,
        index: Index,
        keep_turn: Callable[[], Awaitable[None]],
        tell: Callable[[Rebuilt, str], None],
    ) -> None:
        self._mailboxes = mailboxes
        self._index = index
        self._keep_turn = keep_turn
        self._tell = tell

    async def run(self) -> tuple[Rebuilt, bool]:
        """Return what was done, and whether the index may still have what the mailboxes have not."""
        rebuilt = Rebuilt(await self._mailboxes.count(timeout=_SECONDS))
        async with self._index.renewal() as renewal:
            await self._fill(renewal, rebuilt)
        return rebuilt, renewal.in_place

    async def _fill(self, renewal: Renewal, rebuilt: Rebuilt) -> None:
        """Write everything, and go on where it stopped when a server was away for a while."""
        behind: Pointer = (0, 0)
        waits = 0
        while True:
            try:
                async for part in self._mailboxes.scan(behind, timeout=_SECONDS):
                    await self._keep_turn()
                    rebuilt.refused += await renewal.write(await documents(part), timeout=_SECONDS)
                    behind = part[-1].pointer if part else behind
                    rebuilt.messages += len(part)
                    waits = 0
                    self._tell(rebuilt, "")
            except Away as away:
                waits += 1
                if waits > _MOST_WAITS:
                    raise
                self._tell(rebuilt, away.reason)
                await asyncio.sleep(_WAIT_SECONDS)
            else:
                return
