"""A phone as phones are: its answers get lost, it dies while it takes one over, and its clock is wrong."""

import time
from collections.abc import Callable, Sequence
from enum import Enum

from tests.end_to_end.sync_client import FIELDS, Call, Later, Store, SyncClient, Tree

Witness = Callable[[Tree, Tree | None], None]
_NEW = {"message": "", "incoming": True, "read": False, "locked": False, "origin": 0, "status": 0}


class Fate(Enum):
    """What becomes of a call."""

    ANSWERED = "answered"
    NOT_SENT = "never reaches the server"
    ANSWER_LOST = "answered, but the phone never gets it"
    DIES_APPLYING = "the phone dies when half of the answer is applied"
    DIES_APPLIED = "the phone dies when all is applied, before it notes its acks"


class PhoneDied(Exception):  # noqa: N818 - a fate
    """What was in memory is gone; the store is as it was at that moment."""


class Phone(SyncClient):
    """A reference client that `sync` brings to a fate; `witness` sees each call that went out, and its answer.

    Its clock is `ahead` milliseconds before the right time, or behind it where that is negative.
    """

    def __init__(self, call: Call, device_id: int, *, witness: Witness, ahead: int = 0, limit: int = 100) -> None:
        super().__init__(self._brought_to_its_fate, device_id, Store(), limit)
        self._server = call
        self._witness = witness
        self._ahead = ahead
        self._fate = Fate.ANSWERED
        self._lost: Tree | None = None
        self._again = False
        self._applied_before_death = 0

    def sync(self, fate: Fate = Fate.ANSWERED, *, again: bool = False) -> bool:
        """Make a call, `again` the lost one byte for byte if there is one; return whether either side told anything."""
        self._fate, self._again = fate, again
        try:
            return self.exchange()
        except Later as later:
            time.sleep(later.seconds)
        except PhoneDied:
            pass
        finally:
            self._fate, self._again = Fate.ANSWERED, False
        return True

    def receive(self, address: str, message: str, **fields: object) -> int:
        """Store a message that reached the phone by itself, at the time of its clock."""
        now = int(time.time() * 1000) + self._ahead
        whole = {**dict.fromkeys(FIELDS), **_NEW, "address": address, "message": message, "dateSent": now, **fields}
        return self.insert(**whole)

    def request(self) -> Tree:
        if self._lost is None or not self._again:
            self._lost = super().request()
        return self._lost

    def apply(self, sync: Tree, unsent: Sequence[Tree]) -> Tree:
        if self._fate is Fate.DIES_APPLYING and self._applied_before_death == 0:
            raise PhoneDied
        self._applied_before_death -= 1
        return super().apply(sync, unsent)

    def settle(self, unsent: list[Tree], acks: list[Tree]) -> None:
        if self._fate in (Fate.DIES_APPLYING, Fate.DIES_APPLIED):
            raise PhoneDied
        super().settle(unsent, acks)
        self._lost = None

    def _brought_to_its_fate(self, path: str, fields: Tree) -> Tree:
        if self._fate is Fate.NOT_SENT:
            raise Later(0)
        try:
            answer = self._server(path, fields)
        except Later:
            self._witness(fields, None)
            raise
        self._witness(fields, answer)
        if self._fate is Fate.ANSWER_LOST:
            raise Later(0)
        self._applied_before_death = (len(answer["syncs"]) + 1) // 2
        return answer
