"""An account, some phones and callers of the API that all write to it; in the end every phone must equal the server."""

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from tests.end_to_end.sync_client import Call, Later, Tree
from tests.reliability.device import Fate, Phone
from tests.reliability.sync_state import difference, shown, stored
from tests.reliability.sync_witness import SyncWitness

# Milliseconds before the right time, for each phone: a clock may be days ahead or years behind.
CLOCKS = (0, 3 * 86_400_000, -5 * 365 * 86_400_000)
# Pages of three on one of them, so that some are full.
_LIMITS = (3, 100, 100)
# The goal is 2 s; this ends a test in which a send does not arrive.
_ARRIVAL_SECONDS = 60.0
_ROUNDS = 100


class World:
    """Writes to one account, one call after the other.

    Where the outcome of a call is not known it waits until the call cannot run any more. What the service tells the
    phones is held against the contract meanwhile if `checked`. What the service still does by itself must be done after
    `settled_seconds`; it begins with the commit that asks for it. `unanswered` counts calls.
    """

    def __init__(
        self,
        connect: Callable[[], Call],
        msisdn: str,
        expire: Callable[[], object],
        *,
        checked: bool = True,
        settled_seconds: float = 30.0,
    ) -> None:
        self._call = connect()
        self._witness = SyncWitness(len(CLOCKS), checked=checked)
        self._msisdn = msisdn
        self._expire = expire
        self._settled_seconds = settled_seconds
        self._last_id = 0
        self._lost_send = False
        self.unanswered = 0
        self._closed: set[str] = set()
        self.phones = [self._phone(number, connect()) for number in range(len(CLOCKS))]

    def _phone(self, number: int, call: Call) -> Phone:
        device = self.ask("/user/device/create")["deviceId"]
        witness = partial(self._saw, number)
        return Phone(call, device, witness=witness, ahead=CLOCKS[number], limit=_LIMITS[number])

    def _saw(self, number: int, request: Tree, answer: Tree | None) -> None:
        if answer is None:
            self._doubt()
            return
        self._witness.saw(number, request, answer)
        self._last_id = max([self._last_id, *(ack["messageId"] for ack in answer["syncAcks"])])

    def _doubt(self) -> None:
        self._witness.doubt()
        self.unanswered += 1

    def ask(self, path: str, **fields: Any) -> Tree:
        """Call the API until it answers; only for what may be done twice."""
        while True:
            try:
                return self._call(path, fields)
            except Later as later:
                self.unanswered += 1
                time.sleep(later.seconds)

    def write(self, path: str, message_ids: Iterable[int], *, unsettled: bool = False, **fields: Any) -> int:
        """Call the API once, whatever comes of it; return the id of the new message, or 0."""
        new = 0
        try:
            new = self._call(f"/user/message/{path}", fields).get("messageId", 0)
        except Later as later:
            self._doubt()
            self._lost_send = self._lost_send or path == "send"
            time.sleep(later.seconds)
        self._last_id = max(self._last_id, new)
        self._witness.wrote({*message_ids, new}, unsettled=unsettled)
        return new

    def send_to_oneself(self, **fields: Any) -> None:
        """Send, and wait until the twin stands beside the message, which is told to have arrived."""
        sent = self.write("send", (), recipient=self._msisdn, **fields)
        end = time.monotonic() + _ARRIVAL_SECONDS
        while sent and "dateSendOn" not in fields:
            assert time.monotonic() < end, "a send did not arrive"
            page = self.ask("/user/message/get/by/conversation", address=f"+{self._msisdn}")["messages"]
            twins = {each["messageId"] for each in page if each["messageId"] > sent and each["incoming"]}
            if twins and {each["messageId"]: each["status"] for each in page}.get(sent) == 2:
                self._witness.wrote({sent, *twins})
                self._last_id = max(self._last_id, *twins)
                return
            time.sleep(0.02)

    def delete_conversation(self, address: str) -> None:
        """Delete at once what the purge then deletes message by message, when it comes to it."""
        self._closed.add(address)
        self.write("conversations/delete", self.everything(), unsettled=True, address=address)

    def expire(self) -> None:
        """Let retention remove what is too old."""
        self._witness.wrote(self.everything())
        self._expire()

    def everything(self) -> range:
        """Return every id that was given."""
        return range(1, self._last_id + 1)

    def picked(self, number: int) -> int:
        """Return the id of the newest message (0) or one before it, there or not; last comes one that never was."""
        return self._last_id - number % (self._last_id + 1) or self._last_id + 1

    def own(self, phone: int, number: int) -> int | None:
        """Return the phone's id of its newest message (0) or one before it, if it has any."""
        own_ids = sorted(self.phones[phone].store.messages, reverse=True)
        return own_ids[number % len(own_ids)] if own_ids else None

    def sync(self, phone: int, fate: Fate, *, again: bool = False) -> None:
        self.phones[phone].sync(fate, again=again)

    def finish(self) -> None:
        """Let every phone catch up; raises `AssertionError` where one differs from the server."""
        end = time.monotonic() + self._settled_seconds
        while True:
            self._catch_up()
            server = stored(self.ask)
            views = [self._view(phone) for phone in self.phones]
            unsettled = self._lost_send or any(self._waits_for_the_purge(view, server) for view in views)
            if all(view == server for view in views) or not unsettled or time.monotonic() > end:
                break
        for number, view in enumerate(views):
            assert view == server, f"phone {number} and the server: {difference(view, server)}"

    def _catch_up(self) -> None:
        for _ in range(_ROUNDS):
            told = [phone.sync() for phone in self.phones]
            if not any(told):
                return
        raise AssertionError("phones are told something for ever")

    @staticmethod
    def _view(phone: Phone) -> dict[int, Tree]:
        assert len({each["messageId"] for each in phone.store.messages.values()}) == len(phone.store.messages)
        return {each["messageId"]: shown(each) for each in phone.store.messages.values()}

    def _waits_for_the_purge(self, view: Mapping[int, Tree], server: Mapping[int, Tree]) -> bool:
        extra = [message["address"] for message_id, message in view.items() if message_id not in server]
        return bool(extra) and self._closed.issuperset(extra)
