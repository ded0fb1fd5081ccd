"""The phones of one account, and the witness that sees all that they and the service tell each other."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from tests.end_to_end.sync_client import Call, Later, Refused, Tree
from tests.reliability.device import Phone
from tests.reliability.sync_mailbox import Mailbox
from tests.reliability.sync_state import Ask, shown
from tests.reliability.sync_witness import SyncWitness

# Milliseconds before the right time, for each phone: a clock may be days ahead or years behind.
CLOCKS = (0, 3 * 86_400_000, -5 * 365 * 86_400_000)
# Pages of three on one of them, so that some are full.
_LIMITS = (3, 100, 100)
# Of messages that a phone gets when it asks for them: some, all or none.
HISTORIES = (2, 10_000, 5, 0)
_ROUNDS = 100


class Phones:
    """Each with a connection of its own; a phone that loses its store is a new device in the place of the old."""

    def __init__(
        self, ask: Ask, connect: Callable[[], Call], mailbox: Mailbox, witness: SyncWitness, *, patient: bool
    ) -> None:
        self._ask = ask
        self._mailbox = mailbox
        self._witness = witness
        self._patient = patient
        self._calls = [connect() for _ in CLOCKS]
        self._devices: dict[int, int] = {}
        self._phones: dict[int, Phone] = {}
        self.last_id = 0
        for number in range(len(CLOCKS)):
            self.register(number, HISTORIES[number])

    def __getitem__(self, number: int) -> Phone:
        return self._phones[number]

    def register(self, number: int, history: int) -> None:
        """Begin anew with an empty store and, if there is one, without the device that the phone was."""
        if number in self._devices:
            with suppress(Refused):  # by a call that was made again: it is gone
                self._ask("/user/device/client/delete", deviceId=self._devices[number])
        self._witness.registered(number, history, self._mailbox.states())
        device = self._ask("/user/device/create", messageHistoryLimit=history)["deviceId"]
        call = partial(self._watched, number)
        self._phones[number] = Phone(call, device, ahead=CLOCKS[number], limit=_LIMITS[number], patient=self._patient)
        self._devices[number] = device

    def _watched(self, number: int, path: str, fields: Tree) -> Tree:
        is_noted = self._witness.checked or fields["syncInitial"]
        before = self._mailbox.states() if is_noted else {}
        try:
            answer = self._calls[number](path, fields)
        except Later:
            self._witness.missed(number, fields)
            raise
        after = self._mailbox.states() if is_noted else {}
        self._witness.saw(number, fields, answer, before, after)
        self.last_id = max([self.last_id, *(ack["messageId"] for ack in answer["syncAcks"])])
        return answer

    def let_arrive(self) -> None:
        """Let every call that was given up on its way reach the server, if its phone still waits for that."""
        for phone in self._phones.values():
            phone.arrive()

    def catch_up(self) -> None:
        """Let all of them sync until nobody has anything to tell; raises `AssertionError` where that does not come."""
        for _ in range(_ROUNDS):
            told = [phone.sync() for phone in self._phones.values()]
            if not any(told):
                return
        raise AssertionError("phones are told something for ever")

    def views(self) -> Iterator[tuple[dict[int, Tree], set[int]]]:
        """Yield what each has, by its `messageId`, and the ids of which it may have something else than the server."""
        states = self._mailbox.states()
        for number, phone in self._phones.items():
            messages = phone.store.messages.values()
            view = {each["messageId"]: shown(each) for each in messages}
            assert len(view) == len(messages)
            yield view, self._witness.never_told(number, states)
