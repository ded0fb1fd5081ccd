"""A witness of every sync: holds each answer against what the contract lets it tell that device."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.end_to_end.sync_client import DELETE, INSERT, UPDATE, Tree
from tests.reliability.sync_order import Order, States

_NEVER_SETTLED = float("inf")


@dataclass
class _Device:
    """What one device was told and has confirmed; moments are counted in writes and answers.

    `news` has the last change by somebody else that the device has not confirmed, `handed` the last answer that held a
    message. `pairs` are those that the server knows; `claimed` are messages that it wrote to before; `renewed` are of
    the history that it asked for, so that they are inserts again.
    """

    order: Order
    history: int
    news: dict[int, float] = field(default_factory=dict)
    handed: dict[int, int] = field(default_factory=dict)
    pairs: dict[int, int] = field(default_factory=dict)
    claimed: set[int] = field(default_factory=set)
    own: set[int] = field(default_factory=set)
    renewed: set[int] = field(default_factory=set)


class SyncWitness:
    """Of some devices of one account, when calls come one after the other; only takes note unless `checked`.

    `unanswered` counts calls.
    """

    def __init__(self, *, checked: bool) -> None:
        self.checked = checked
        self._devices: dict[int, _Device] = {}
        self._moment = 0
        self.unanswered = 0

    def registered(self, device: int, history: int, before: States) -> None:
        """Begin with a device, in the place of another one of its number."""
        self._devices[device] = _Device(Order(before), history)

    def wrote(self, message_ids: Iterable[int], device: int | None = None, *, unsettled: bool = False) -> None:
        """Somebody, or a device, may have changed these; `unsettled`: and the service may go on doing so."""
        self._moment += 1
        for number, other in self._devices.items():
            if number != device:
                other.news.update(dict.fromkeys(message_ids, _NEVER_SETTLED if unsettled else self._moment))

    def doubt(self) -> None:
        """Hold from now on only what is certain though some call may have been run or not."""
        self.unanswered += 1

    def missed(self, device: int, request: Tree) -> None:
        """Take note of a sync that was not answered."""
        self.doubt()
        if request["syncInitial"]:
            known = self._devices[device]
            known.order.may_have_asked(known.news)

    def saw(self, device: int, request: Tree, answer: Tree, before: States, after: States) -> None:
        """Take note of a call that was run between two states; raises `AssertionError` where its answer is wrong."""
        known = self._devices[device]
        self._acked(known, request["syncAcks"])
        written = self._written(device, known, request["syncs"], answer["syncAcks"])
        if request["syncInitial"]:
            history = known.order.ask_for_history(known.history, known.news, written, before, after)
            known.renewed.update(history)
            known.claimed.update(written)
            known.news.update({message_id: known.news.get(message_id, 0) for message_id in (*history, *written)})
        if self.checked:
            self._check(known, request, answer)
            if not self.unanswered:
                known.order.check(request, answer["syncs"], before, after)
        self._moment += 1
        for sync in answer["syncs"]:
            known.order.told(sync["messageId"])
            known.handed[sync["messageId"]] = self._moment

    def never_told(self, device: int, states: States) -> set[int]:
        """Return the messages of which a device may have another state, for all that it was to be told."""
        return self._devices[device].order.never_told(states)

    def _check(self, known: _Device, request: Tree, answer: Tree) -> None:
        assert len(answer["syncAcks"]) == len(request["syncs"])
        assert len(answer["syncs"]) <= request["syncLimit"]
        acked = {ack["messageId"] for ack in request["syncAcks"]}
        for sync in answer["syncs"]:
            assert sync["messageId"] not in acked, f"acked in this call, and in its answer: {sync}"
            self._told(known, sync)
        ids = [sync["messageId"] for sync in answer["syncs"]]
        assert len(set(ids)) == len(ids)

    @staticmethod
    def _acked(known: _Device, acks: Sequence[Tree]) -> None:
        for ack in acks:
            message_id = ack["messageId"]
            known.pairs.setdefault(message_id, ack["deviceMessageId"])
            confirmed = known.news.get(message_id, 0) <= known.handed.get(message_id, 0)
            if confirmed:
                known.news.pop(message_id, None)
            elif message_id in known.renewed:
                known.claimed.add(message_id)
            known.renewed.discard(message_id)
            known.order.acked(message_id, confirmed=confirmed)

    def _written(self, device: int, known: _Device, entries: Sequence[Tree], acks: Sequence[Tree]) -> set[int]:
        written = set()
        for entry, ack in zip(entries, acks, strict=True):
            if entry["operation"] == INSERT:
                known.own.add(ack["messageId"])
                known.pairs[ack["messageId"]] = entry["deviceMessageId"]
            by_own_id = {own_id: message_id for message_id, own_id in known.pairs.items()}
            message_id = ack["messageId"] or by_own_id.get(entry["deviceMessageId"], 0)
            written.add(message_id)
            if message_id not in known.pairs:
                known.claimed.add(message_id)
        self.wrote(written, device)
        return written

    def _told(self, known: _Device, sync: Tree) -> None:
        message_id = sync["messageId"]
        certain = not self.unanswered
        seen = message_id in known.handed or message_id in known.own
        assert message_id in known.news or not certain, f"the device knew: {sync}"
        assert sync["operation"] != DELETE or seen or not certain, f"the device never had: {sync}"
        if message_id not in known.claimed:
            wanted = INSERT if message_id not in known.pairs or message_id in known.renewed else UPDATE
            assert sync["operation"] in (wanted, DELETE), f"update or insert: {sync}"
            assert sync["deviceMessageId"] == known.pairs.get(message_id, 0), f"the wrong pair: {sync}"
