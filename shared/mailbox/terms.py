"""Terms: until when a write may wait, and the key under which its answer is kept, if it has one."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from shared.bus.routes import Context


class Terms(NamedTuple):
    """The terms of one write; `deadline` is on the monotonic clock, a key counts within account and operation."""

    deadline: float
    operation: str = ""
    key: str | None = None
    request_hash: bytes | None = None


def terms(requests: Iterable[tuple[Any, Context]]) -> list[Terms]:
    """Return the terms of a group's commands."""
    return [_terms(context) for _, context in requests]


def _terms(context: Context) -> Terms:
    key = context.key
    if key is None:
        return Terms(context.deadline, context.operation)
    return Terms(context.deadline, context.operation, key.text, key.request_hash)
