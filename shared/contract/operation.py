"""An operation: one row that says everything the service needs to know of one call."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from shared.contract.faults import Fault

Request = TypeVar("Request")
Reply = TypeVar("Reply")


class Bucket(Enum):
    """The class of an operation for rate limits."""

    READ = "read"
    WRITE = "write"
    SEND = "send"
    LOGIN = "login"
    INTERNAL = "internal"


class Credentials(Enum):
    """Which secrets a caller puts into the body, in written order."""

    APPLICATION = ("apiKey",)
    ACCOUNT = ("apiKey", "authToken")
    NONE = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls: ids of the account and application (0 = none), and the account's number in digits, if it has one."""

    account_id: int
    application_id: int
    msisdn: int | None


NOBODY = Identity(0, 0, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[Request, Reply]):
    """One call: its path below a mount (none: only between services), its shapes, its owner and its limits.

    `group` is the largest number of commands that one handler call takes; one that `gathers` costs so much less in a
    group that it waits a little for others. `budget` is the seconds after which nobody waits for it any more, where
    they are not what the settings say. `faults` lists the codes beside the common
    ones. `rule` is a check over several fields that no worker is needed for. A write whose repeats are told apart by
    other means, or not at all, `ignores_key`: an `Idempotency-Key` has no effect on it.
    """

    name: str
    path: str | None
    request: type[Request]
    reply: type[Reply]
    queue: str
    bucket: Bucket
    writes: bool
    ignores_key: bool = False
    credentials: Credentials = Credentials.ACCOUNT
    group: int = 1
    gathers: bool = False
    budget: float | None = None
    faults: tuple[Fault, ...] = ()
    rule: Callable[[Request], Fault | None] | None = None

    @property
    def takes_key(self) -> bool:
        """Whether an `Idempotency-Key` makes it safe to repeat."""
        return self.writes and not self.ignores_key


AnyOperation = Operation[Any, Any]
