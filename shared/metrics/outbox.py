"""The outbox, where events wait for the broker."""

from prometheus_client import Gauge

_EVENTS = Gauge("usermessage_outbox_events", "Events in the outbox, up to 100,000; every process says the same")
_SECONDS = Gauge("usermessage_outbox_seconds", "Age of the oldest event in the outbox; every process says the same")


def waiting(events: int, seconds: float) -> None:
    """Say how many events wait in the outbox, and since when the oldest does."""
    _EVENTS.set(events)
    _SECONDS.set(seconds)
