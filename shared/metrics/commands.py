"""Commands, as the worker that runs them sees them."""

from collections.abc import Callable
from functools import cache

from prometheus_client import Counter, Gauge, Histogram

from shared.metrics.buckets import SECONDS, SIZES

_COMMANDS = Counter("usermessage_commands", "Commands that a worker answered", ["operation", "code"])
_SECONDS = Histogram(
    "usermessage_command_seconds", "Time from a command's receipt to its answer", ["operation"], buckets=SECONDS
)
_WAITING = Gauge("usermessage_commands_waiting", "Commands that were read and have not begun", ["queue"])
_RUNNING = Gauge("usermessage_commands_running", "Commands that run", ["queue"])
_PARKED = Gauge("usermessage_commands_parked", "Commands that wait by themselves, mostly for a mailbox", ["queue"])
_WAIT = Histogram(
    "usermessage_command_wait_seconds", "Time from receipt to the beginning, once for each group", ["queue"],
    buckets=SECONDS,
)  # fmt: skip
_GROUP = Histogram("usermessage_group_commands", "Commands that ran together", ["operation"], buckets=SIZES)


class QueueCommands:
    """The measures of the commands of one queue."""

    def __init__(
        self, queue: str, waiting: Callable[[], int], running: Callable[[], int], parked: Callable[[], int]
    ) -> None:
        _WAITING.labels(queue).set_function(waiting)
        _RUNNING.labels(queue).set_function(running)
        _PARKED.labels(queue).set_function(parked)
        self.waited = _WAIT.labels(queue).observe


@cache
def _commands(operation: str, code: int) -> Counter:
    return _COMMANDS.labels(operation, str(code))


@cache
def _seconds(operation: str) -> Histogram:
    return _SECONDS.labels(operation)


@cache
def _group(operation: str) -> Histogram:
    return _GROUP.labels(operation)


def command_done(operation: str, code: int, seconds: float) -> None:
    """Count one command that this worker answered, so many seconds after its receipt."""
    _commands(operation, code).inc()
    _seconds(operation).observe(seconds)


def group_ran(operation: str, commands: int) -> None:
    """Count a group."""
    _group(operation).observe(commands)
