"""What can happen to phones and their server: one step each, drawn at random or written down."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.reliability.device import Fate
from tests.reliability.sync_phones import CLOCKS, HISTORIES
from tests.reliability.sync_world import World

ADDRESSES = ("+436990000001", "+436990000002", "Fake Shop")
TEXTS = ("hi", "two\r\nlines", "\u00fc\U0001f600" * 60, " ")
_DAY_MS = 86_400_000


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that happens; fields that its kind has no use for do not count. Messages are counted, not named."""

    kind: str
    phone: int = 0
    message: int = 0
    address: int = 0
    text: int = 0
    read: bool | None = None
    locked: bool | None = None
    fate: Fate = Fate.ANSWERED
    again: bool = False


def happen(world: World, step: Step) -> None:
    KINDS[step.kind](world, step)


def play(world: World, steps: Sequence[Step]) -> None:
    """Let the steps happen one after the other, and let the phones catch up at the end."""
    for step in steps:
        happen(world, step)
    world.finish()


def random_step(dice: random.Random) -> Step:
    """Draw a step; every other call is brought to any fate."""
    return Step(
        kind=dice.choice(LIKELY),
        phone=dice.randrange(len(CLOCKS)),
        message=dice.randrange(1000),
        address=dice.randrange(len(ADDRESSES)),
        text=dice.randrange(len(TEXTS)),
        read=dice.choice((None, True, False)),
        locked=dice.choice((None, True, False)),
        fate=dice.choice((Fate.ANSWERED, dice.choice(list(Fate)))),
        again=dice.random() < 0.5,
    )


def _api_insert(world: World, step: Step) -> None:
    flags: dict[str, Any] = {"read": step.read, "locked": step.locked, "incoming": step.text != 1}
    world.write("insert", (), address=ADDRESSES[step.address], message=TEXTS[step.text], **flags)


def _api_send(world: World, step: Step) -> None:
    due = {"dateSendOn": int(time.time() * 1000) + _DAY_MS} if step.locked else {}
    world.send_to_oneself(message=TEXTS[step.text], **due)


def _api_update(world: World, step: Step) -> None:
    picked = world.picked(step.message)
    world.write("update", [picked], messageId=picked, read=step.read, locked=step.locked)


def _api_delete(world: World, step: Step) -> None:
    picked = world.picked(step.message)
    world.write("delete", [picked], messageId=picked)


def _api_list(path: str) -> Callable[[World, Step], None]:
    def write(world: World, step: Step) -> None:
        picked = [world.picked(step.message), world.picked(step.message + 1)]
        world.write(path, picked, messageIds=picked)

    return write


def _api_read(world: World, step: Step) -> None:
    world.write("conversations/read", world.everything(), address=ADDRESSES[step.address])


def _api_delete_conversation(world: World, step: Step) -> None:
    world.delete_conversation(ADDRESSES[step.address])


def _retention(world: World, _: Step) -> None:
    world.expire()


def _phone_insert(world: World, step: Step) -> None:
    flags = {"read": bool(step.read), "locked": bool(step.locked), "incoming": step.text != 1}
    world.phones[step.phone].receive(ADDRESSES[step.address], TEXTS[step.text], **flags)


def _phone_flags(world: World, step: Step) -> None:
    _change(world, step, {"read": step.read, "locked": step.locked})


def _phone_text(world: World, step: Step) -> None:
    _change(world, step, {"message": TEXTS[step.text]})


def _phone_status(world: World, step: Step) -> None:
    now = int(time.time() * 1000) + CLOCKS[step.phone]
    _change(world, step, {"status": step.text, "dateStatus": now, "dateSent": now - step.message})


def _change(world: World, step: Step, fields: Mapping[str, Any]) -> None:
    own_id = world.own(step.phone, step.message)
    if own_id is not None:
        present = {name: value for name, value in fields.items() if value is not None}
        world.phones[step.phone].update(own_id, **present)


def _phone_delete(world: World, step: Step) -> None:
    own_id = world.own(step.phone, step.message)
    if own_id is not None:
        world.phones[step.phone].delete(own_id)


def _phone_sync(world: World, step: Step) -> None:
    world.phones[step.phone].sync(step.fate, again=step.again)


def _late_calls(world: World, _: Step) -> None:
    world.phones.let_arrive()


def _phone_asks(world: World, step: Step) -> None:
    world.phones[step.phone].ask_for_history()


def _phone_anew(world: World, step: Step) -> None:
    world.phones.register(step.phone, HISTORIES[step.text])
    if step.again:
        world.phones[step.phone].ask_for_history()


def _tombstones(world: World, _: Step) -> None:
    world.mailbox.remove_tombstones()


KINDS: Mapping[str, Callable[[World, Step], None]] = {
    "api.insert": _api_insert,
    "api.send": _api_send,
    "api.update": _api_update,
    "api.delete": _api_delete,
    "api.delete_list": _api_list("delete/list"),
    "api.lock_list": _api_list("lock/list"),
    "api.unlock_list": _api_list("unlock/list"),
    "api.read": _api_read,
    "api.delete_conversation": _api_delete_conversation,
    "retention": _retention,
    "tombstones": _tombstones,
    "phone.insert": _phone_insert,
    "phone.flags": _phone_flags,
    "phone.text": _phone_text,
    "phone.status": _phone_status,
    "phone.delete": _phone_delete,
    "phone.asks": _phone_asks,
    "phone.anew": _phone_anew,
    "late calls arrive": _late_calls,
    "phone.sync": _phone_sync,
}
_OFTEN = ("api.insert", "api.update", "phone.insert", "phone.flags", "late calls arrive", "late calls arrive")
LIKELY = (*KINDS, *_OFTEN, *["phone.sync"] * 14)
"""The kinds, each as often as it is to be drawn."""
