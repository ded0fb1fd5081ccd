"""A witness of every sync: holds each answer against what the contract lets it tell that device."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.end_to_end.sync_client import DELETE, INSERT, UPDATE, Tree

_NEVER_SETTLED = float("inf")


@dataclass
class _Device:
    """What one device was told and has confirmed; moments are counted in writes and answers.

    `news` has the last change by somebody else that the device has not confirmed, `handed` the last answer that held a
    message. `pairs` are those that the server knows; `claimed` are messages that it wrote to before.
    """

    news: dict[int, float] = field(default_factory=dict)
    handed: dict[int, int] = field(default_factory=dict)
    pairs: dict[int, int] = field(default_factory=dict)
    claimed: set[int] = field(default_factory=set)
    own: set[int] = field(default_factory=set)


class SyncWitness:
    """Of some devices of one account, when calls come one after the other; holds nothing unless `checked`."""

    def __init__(self, devices: int, *, checked: bool) -> None:
        self._checked = checked
        self._devices = [_Device() for _ in range(devices)]
        self._moment = 0
        self._certain = True

    def wrote(self, message_ids: Iterable[int], device: int | None = None, *, unsettled: bool = False) -> None:
        """Somebody, or a device, may have changed these; `unsettled`: and the service may go on doing so."""
        self._moment += 1
        for number, other in enumerate(self._devices):
            if number != device:
                other.news.update(dict.fromkeys(message_ids, _NEVER_SETTLED if unsettled else self._moment))

    def doubt(self) -> None:
        """Hold from now on only what is certain though some call may have been run or not."""
        self._certain = False

    def saw(self, device: int, request: Tree, answer: Tree) -> None:
        """Take note of a call that was run; raises `AssertionError` where its answer is not as it must be."""
        if not self._checked:
            return
        known = self._devices[device]
        assert len(answer["syncAcks"]) == len(request["syncs"])
        assert len(answer["syncs"]) <= request["syncLimit"]
        self._acked(known, request["syncAcks"])
        self._written(device, known, request["syncs"], answer["syncAcks"])
        acked = {ack["messageId"] for ack in request["syncAcks"]}
        self._moment += 1
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
            if known.news.get(message_id, 0) <= known.handed.get(message_id, 0):
                known.news.pop(message_id, None)

    def _written(self, device: int, known: _Device, entries: Sequence[Tree], acks: Sequence[Tree]) -> None:
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

    def _told(self, known: _Device, sync: Tree) -> None:
        message_id = sync["messageId"]
        seen = message_id in known.handed or message_id in known.own
        assert message_id in known.news or not self._certain, f"the device knew: {sync}"
        assert sync["operation"] != DELETE or seen or not self._certain, f"the device never had: {sync}"
        if message_id not in known.claimed:
            wanted = INSERT if message_id not in known.pairs else UPDATE
            assert sync["operation"] in (wanted, DELETE), f"update or insert: {sync}"
            assert sync["deviceMessageId"] == known.pairs.get(message_id, 0), f"the wrong pair: {sync}"
        known.handed[message_id] = self._moment
