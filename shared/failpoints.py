"""Failpoints: named points at which a test makes the process die or wait; without the setting they do nothing.

The setting is a comma-separated list of `name=kill`, `name=kill@N` (at the N-th hit) and `name=sleep:SECONDS`.
"""

import asyncio
import os
import signal
from dataclasses import dataclass

NAMES = (
    "server.received",  # an envelope has arrived, nothing has run
    "server.ran",  # the handler returned: its transaction has committed, nobody knows yet
    "server.replied",  # the reply was handed to the broker, the envelope is not acknowledged
    "caller.published",  # the gateway has published an envelope and waits
    "relay.published",  # the broker has taken events, which are not deleted yet
    "subscriber.received",  # events have arrived, nothing has happened
    "delivery.twin_stored",  # the recipient has the message, the sender does not know it
    "delivery.claimed",  # a job is about to be submitted, nothing was written
    "delivery.submitted",  # a carrier has answered, nobody knows yet
    "dead_letters.replayed",  # events are in their queue again, the dead letter is still there
    "search.read",  # the messages of events are read, the index does not know of them
    "search.written",  # the index has them, their events are not handled
    "subscriber.handled",  # events are handled, their message is not acknowledged
)


@dataclass(slots=True)
class _Failpoint:
    seconds: float | None
    hits_left: int


_armed: dict[str, _Failpoint] = {}


def arm(setting: str) -> None:
    """Arm the failpoints of the setting; raise `ValueError` for a name or an action that does not exist."""
    _armed.clear()
    for part in filter(None, setting.split(",")):
        name, _, action = part.strip().partition("=")
        if name not in NAMES:
            raise ValueError(f"no failpoint {name!r}")
        _armed[name] = _parse(action)


def _parse(action: str) -> _Failpoint:
    verb, _, argument = action.replace("@", ":").partition(":")
    if verb == "kill":
        return _Failpoint(None, int(argument or 1))
    if verb == "sleep":
        return _Failpoint(float(argument), 0)
    raise ValueError(f"no failpoint action {action!r}")


async def reached(name: str) -> None:
    """Do what is armed for this point."""
    failpoint = _armed.get(name)
    if failpoint is None:
        return
    if failpoint.seconds is not None:
        await asyncio.sleep(failpoint.seconds)
        return
    failpoint.hits_left -= 1
    if failpoint.hits_left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
