"""A phone as phones are: its answers get lost, it dies while it takes one over, and its clock is wrong."""

import time
from collections.abc import Sequence
from enum import Enum

from tests.end_to_end.sync_client import FIELDS, Call, Later, Store, SyncClient, Tree

_NEW = {"message": "", "incoming": True, "read": False, "locked": False, "origin": 0, "status": 0}


class Fate(Enum):
    """What becomes of a call."""

    ANSWERED = "answered"
    NOT_SENT = "never reaches the server"
    ANSWER_LOST = "answered, but the phone never gets it"
    LATE = "given up on its way; when it arrives, or never, nobody waits for its answer"
    DIES_APPLYING = "the phone dies when half of the answer is applied"
    DIES_APPLIED = "the phone dies when all is applied, before it notes its acks"


class PhoneDied(Exception):  # noqa: N818 - a fate
    """What was in memory is gone; the store is as it was at that moment."""


class Phone(SyncClient):
    """A reference client that `sync` brings to a fate.

    Its clock is `ahead` milliseconds before the right time, or behind it where that is negative. A `patient` one waits
    before its next call until the one that it gave up cannot be run any more.
    """

    def __init__(self, call: Call, device_id: int, *, ahead: int = 0, limit: int = 100, patient: bool = True) -> None:
        super().__init__(self._brought_to_its_fate, device_id, Store(), limit)
        self._server = call
        self._ahead = ahead
        self._patient = patient
        self._fate = Fate.ANSWERED
        self._lost: Tree | None = None
        self._again = False
        self._on_its_way: tuple[str, Tree] | None = None
        self._asks_for_history = False
        self._applied_before_death = 0

    def sync(self, fate: Fate = Fate.ANSWERED, *, again: bool = False) -> bool:
        """Make a call, `again` the lost one byte for byte if there is one; return whether either side told anything."""
        self._fate, self._again = fate, again
        if self._patient:
            self._on_its_way = None
        try:
            return self.exchange()
        except Later as later:
            time.sleep(later.seconds)
        except PhoneDied:
            pass
        finally:
            self._fate, self._again = Fate.ANSWERED, False
        return True

    def arrive(self) -> None:
        """Let the call that was given up reach the server, if there is one."""
        if self._on_its_way is not None:
            given_up, self._on_its_way = self._on_its_way, None
            try:
                self._server(*given_up)
            except Later as later:
                time.sleep(later.seconds)

    def ask_for_history(self) -> None:
        """Ask for it with the next calls, until one of their answers is taken over."""
        self._asks_for_history = True

    def receive(self, address: str, message: str, **fields: object) -> int:
        """Store a message that reached the phone by itself, at the time of its clock."""
        now = int(time.time() * 1000) + self._ahead
        whole = {**dict.fromkeys(FIELDS), **_NEW, "address": address, "message": message, "dateSent": now, **fields}
        return self.insert(**whole)

    def request(self) -> Tree:
        if self._lost is None or not self._again:
            self._lost = {**super().request(), "syncInitial": self._asks_for_history}
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
        assert self._lost is not None
        self._asks_for_history = self._asks_for_history and not self._lost["syncInitial"]
        self._lost = None

    def _brought_to_its_fate(self, path: str, fields: Tree) -> Tree:
        if self._fate is Fate.LATE:
            self._on_its_way = path, fields
        if self._fate in (Fate.NOT_SENT, Fate.LATE):
            raise Later(0)
        answer = self._server(path, fields)
        if self._fate is Fate.ANSWER_LOST:
            raise Later(0)
        self._applied_before_death = (len(answer["syncs"]) + 1) // 2
        return answer
