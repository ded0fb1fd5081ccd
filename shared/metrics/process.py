"""A process of any role: what it is, how late its event loop runs, and whether it has its broker."""

from collections.abc import Callable

from prometheus_client import Gauge, Histogram

from shared.metrics.buckets import SECONDS
from shared.version import VERSION

_PROCESS = Gauge("usermessage_process", "1; the labels say what this process is", ["role", "version"])
_LAG = Histogram("usermessage_loop_lag_seconds", "How late the event loop woke a sleeper", ["role"], buckets=SECONDS)
_DRAINING = Gauge("usermessage_draining", "1 while this process finishes what it has, before it stops")
_LINKS = Gauge("usermessage_link_up", "1 while this connection to the broker works, else 0", ["link"])


def started(role: str) -> None:
    """Say what this process is."""
    _PROCESS.labels(role, VERSION).set(1)


def loop_lag(role: str) -> Callable[[float], None]:
    """Return what notes the seconds by which the event loop was late."""
    return _LAG.labels(role).observe


def draining() -> None:
    """Say that this process ends."""
    _DRAINING.set(1)


def link(name: str, is_up: Callable[[], bool]) -> None:
    """Say where the state of a connection to the broker can be looked up."""
    _LINKS.labels(name).set_function(is_up)
