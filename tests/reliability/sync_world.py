"""An account, some phones and callers of the API that all write to it; in the end every phone must equal the server."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.end_to_end.sync_client import Call, Later, Tree
from tests.reliability.sync_mailbox import Mailbox
from tests.reliability.sync_phones import Phones
from tests.reliability.sync_state import difference, stored
from tests.reliability.sync_witness import SyncWitness

# The goal is 2 s; this ends a test in which a send does not arrive.
_ARRIVAL_SECONDS = 60.0


class World:
    """Writes to one account, one call after the other.

    Where the outcome of a call is not known it waits until the call cannot run any more, and so do its phones if they
    are `patient`. What the service tells the phones is held against the contract meanwhile if `checked`. What the
    service still does by itself must be done after `settled_seconds`; it begins with the commit that asks for it.
    """

    def __init__(
        self,
        connect: Callable[[], Call],
        msisdn: str,
        mailbox: Mailbox,
        *,
        checked: bool = True,
        patient: bool = True,
        settled_seconds: float = 30.0,
    ) -> None:
        self._call = connect()
        self._witness = SyncWitness(checked=checked)
        self._msisdn = msisdn
        self._settled_seconds = settled_seconds
        self._last_id = 0
        self._lost_send = False
        self._asked_again = 0
        self._closed: set[str] = set()
        self.mailbox = mailbox
        self.phones = Phones(self.ask, connect, mailbox, self._witness, patient=patient)

    @property
    def unanswered(self) -> int:
        """Return how many calls were not answered."""
        return self._witness.unanswered + self._asked_again

    def ask(self, path: str, **fields: Any) -> Tree:
        """Call the API until it answers; only for what may be done twice."""
        while True:
            try:
                return self._call(path, fields)
            except Later as later:
                self._asked_again += 1
                time.sleep(later.seconds)

    def write(self, path: str, message_ids: Iterable[int], *, unsettled: bool = False, **fields: Any) -> int:
        """Call the API once, whatever comes of it; return the id of the new message, or 0."""
        new = 0
        try:
            new = self._call(f"/user/message/{path}", fields).get("messageId", 0)
        except Later as later:
            self._witness.doubt()
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
        self.mailbox.expire()

    def everything(self) -> range:
        """Return every id that was given."""
        return range(1, max(self._last_id, self.phones.last_id) + 1)

    def picked(self, number: int) -> int:
        """Return the id of the newest message (0) or one before it, there or not; last comes one that never was."""
        last = len(self.everything())
        return last - number % (last + 1) or last + 1

    def own(self, phone: int, number: int) -> int | None:
        """Return the phone's id of its newest message (0) or one before it, if it has any."""
        own_ids = sorted(self.phones[phone].store.messages, reverse=True)
        return own_ids[number % len(own_ids)] if own_ids else None

    def finish(self) -> None:
        """Let every phone catch up; raises `AssertionError` where one differs from the server."""
        end = time.monotonic() + self._settled_seconds
        while True:
            self.phones.catch_up()
            server = stored(self.ask)
            pairs = [(_without(view, excused), _without(server, excused)) for view, excused in self.phones.views()]
            unsettled = self._lost_send or any(self._waits_for_the_purge(*pair) for pair in pairs)
            if all(view == there for view, there in pairs) or not unsettled or time.monotonic() > end:
                break
        for number, (view, there) in enumerate(pairs):
            assert view == there, f"phone {number} and the server: {difference(view, there)}"

    def _waits_for_the_purge(self, view: Mapping[int, Tree], server: Mapping[int, Tree]) -> bool:
        extra = [message["address"] for message_id, message in view.items() if message_id not in server]
        return bool(extra) and self._closed.issuperset(extra)


def _without(messages: Mapping[int, Tree], excused: Iterable[int]) -> dict[int, Tree]:
    left = messages.keys() - set(excused)
    return {message_id: messages[message_id] for message_id in left}
