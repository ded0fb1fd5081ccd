"""In which order a device must be told what is new to it, and what it is never told."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import takewhile

from tests.end_to_end.sync_client import Tree
from tests.reliability.sync_mailbox import State

States = Mapping[int, State]
_FAR = float("inf")


class Order:
    """Of one device: first the history that it asked for, then what changed since, by the numbers of the changes.

    `states` are the mailbox's just before the device's registration.
    """

    def __init__(self, states: States) -> None:
        self._begin(states, {}, set())
        self._dropped: dict[int, State | None] = dict(states)

    def _begin(self, before: States, queue: dict[int, State], loose: set[int]) -> None:
        self._since = max((state.change_seq for state in before.values()), default=0)
        self._queue = queue
        self._loose = loose

    def ask_for_history(
        self, newest: int, pending: Iterable[int], told_itself: Collection[int], before: States, after: States
    ) -> list[int]:
        """Drop what is `pending` and not of the history; return the ids of that, but not what the device told itself.

        Whether what it told in the same call is new to it is left open here.
        """
        there = [message_id for message_id, state in after.items() if state.is_there]
        by_date = sorted(there, key=lambda message_id: (after[message_id].date_sent, message_id))
        history = by_date[len(by_date) - min(newest, len(by_date)) :]
        dropped = {*pending, *self._dropped}.difference(history)
        self._dropped = {message_id: after[message_id] for message_id in dropped if message_id in after}
        queue = {message_id: after[message_id] for message_id in history if message_id not in told_itself}
        self._begin(before, queue, set(told_itself))
        return list(queue)

    def may_have_asked(self, pending: Iterable[int]) -> None:
        """Take note that a call which asked for the history was not answered."""
        self._dropped.update(dict.fromkeys(pending))

    def acked(self, message_id: int, *, confirmed: bool) -> None:
        if self._queue.pop(message_id, None) and not confirmed:
            self._loose.add(message_id)

    def told(self, message_id: int) -> None:
        self._dropped.pop(message_id, None)

    def check(self, request: Tree, syncs: Sequence[Tree], before: States, after: States) -> None:
        """Raise `AssertionError` where the answer to a call, with the states around it, has another order."""
        acked = {ack["messageId"] for ack in request["syncAcks"]}
        waiting = [each for each in self._queue if self._waits(each, before, after) and each not in acked]
        told = [sync["messageId"] for sync in syncs]
        first = list(takewhile(lambda message_id: message_id in waiting or message_id in self._loose, told))
        queued = [message_id for message_id in first if message_id in waiting]
        assert queued == waiting[: len(queued)], f"history in another order: {told} of {waiting}"
        assert len(queued) == len(waiting) or len(told) == request["syncLimit"], f"left out: {told} of {waiting}"
        place: float = 0
        for message_id in told[len(first) :]:
            if message_id not in self._loose:
                place = max(place, before[message_id].change_seq if message_id in before else 0, self._since + 1)
                latest = after[message_id].change_seq if message_id in after else _FAR
                assert place <= latest, f"changes in another order, or too old: {told}, {before}, {after}"

    def _waits(self, message_id: int, before: States, after: States) -> bool:
        queued = self._queue[message_id]
        return before.get(message_id) == after.get(message_id) == queued

    def never_told(self, states: States) -> set[int]:
        """Return what did not change since it was dropped, so that the device may have another state of it."""
        return {
            message_id
            for message_id, state in self._dropped.items()
            if state is None or states.get(message_id, None if state.is_there else state) == state
        }
