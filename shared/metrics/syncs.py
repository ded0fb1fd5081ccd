"""Syncs: what devices fetch, and whether they have all of it."""

from prometheus_client import Counter, Histogram

_ENTRIES = Histogram(
    "usermessage_sync_entries", "Changes that a sync gave to a device", buckets=(0, 1, 5, 10, 50, 100, 500, 1000)
)
_BEHIND = Counter("usermessage_syncs_behind", "Syncs whose page was full: their devices have to come again for more")


def synced(entries: int, *, behind: bool) -> None:
    """Count a sync, by the changes that it gave and by whether there may be more."""
    _ENTRIES.observe(entries)
    if behind:
        _BEHIND.inc()
