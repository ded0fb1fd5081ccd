"""Mailboxes: what is removed from them."""

from prometheus_client import Counter, Gauge

_PURGED = Counter("usermessage_purged_messages", "Messages of deleted conversations that this process purged")
_EXPIRED = Counter("usermessage_expired_messages", "Messages that became too old and that this process removed")
_DROPPED_DEVICES = Counter("usermessage_dropped_devices", "Devices that this process dropped after 90 silent days")
_TOMBSTONES = Counter("usermessage_removed_tombstones", "Deleted messages that this process removed for good")
_CLOSED = Gauge("usermessage_closed_conversations", "Deleted conversations that wait for the purge, in all mailboxes")


def dropped_devices(devices: int) -> None:
    """Count devices that were silent for too long."""
    _DROPPED_DEVICES.inc(devices)


def removed_tombstones(messages: int) -> None:
    """Count deleted messages that no device waited for."""
    _TOMBSTONES.inc(messages)


def purged(messages: int) -> None:
    """Count messages that became tombstones after their conversation was deleted."""
    _PURGED.inc(messages)


def expired(messages: int) -> None:
    """Count messages that retention removed."""
    _EXPIRED.inc(messages)


def closed_conversations(count: int) -> None:
    """Say how many deleted conversations wait for the purge; every process says the same."""
    _CLOSED.set(count)
