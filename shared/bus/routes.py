"""Routes: which function of a worker runs which operation."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from shared.contract.faults import Fault
from shared.contract.operation import AnyOperation, Identity, Operation

Q = TypeVar("Q")
R = TypeVar("R")

WireTree = Mapping[str, Any]
Settled: TypeAlias = R | Fault | WireTree
Outcome: TypeAlias = Settled[R] | Awaitable[Settled[R]]


@dataclass(frozen=True, slots=True)
class Key:
    """An `Idempotency-Key`, and the SHA-256 of the request that came with it."""

    text: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class Context:
    """What a handler knows of its command beside the request; `deadline` is on this process's monotonic clock."""

    identity: Identity
    operation: str
    deadline: float
    trace: str
    key: Key | None = None

    def remaining(self) -> float:
        """Return the seconds left of the command's budget, 0 when it is spent."""
        return max(0.0, self.deadline - time.monotonic())


Single = Callable[[Any, Context], Awaitable[Any]]
Group = Callable[[Sequence[tuple[Any, Context]]], Awaitable[Sequence[Any]]]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation with the function that runs it: one command at a time, or a group of them.

    A request of which `alone` is true is a group by itself, for its answer is large. `most_waiting` reads that have to
    wait are waited for at a time: the answers of most of those are large.
    """

    operation: AnyOperation
    single: Single | None = None
    group: Group | None = None
    alone: Callable[[Any], bool] | None = None
    most_waiting: int = 2


def route(operation: Operation[Q, R], handler: Callable[[Q, Context], Awaitable[R | WireTree]]) -> Route:
    """Bind a handler that takes one command and returns its reply, or raises `Refused`.

    A reply is the operation's reply shape, or its wire tree without `errorCode` where building shapes would cost.
    """
    return Route(operation, single=handler)


def route_group(
    operation: Operation[Q, R],
    handler: Callable[[Sequence[tuple[Q, Context]]], Awaitable[Sequence[Outcome[R]]]],
    *,
    alone: Callable[[Q], bool] | None = None,
    most_waiting: int = 2,
) -> Route:
    """Bind a handler that takes up to `operation.group` commands and returns an outcome for each, in their order.

    An outcome is a reply, a fault, or an awaitable of either for a command that has to wait while the others are
    answered. An exception runs each command again alone, so a group that fails must have done nothing.
    """
    return Route(operation, group=handler, alone=alone, most_waiting=most_waiting)
