"""Pools of connections to Postgres."""

from collections.abc import Callable

from prometheus_client import Counter, Gauge, Histogram

from shared.metrics.buckets import SECONDS

_WAIT = Histogram(
    "usermessage_pool_wait_seconds", "Time that a statement or transaction waited for its connection", ["pool"],
    buckets=SECONDS,
)  # fmt: skip
_IN_USE = Gauge("usermessage_pool_in_use", "Connections of a pool that are in use", ["pool"])
_SIZE = Gauge("usermessage_pool_size", "Connections that a pool may have", ["pool"])
_ERRORS = Counter("usermessage_database_errors", "What Postgres could not do, by the kind of error", ["pool", "error"])


class PoolUse:
    """The measures of one pool."""

    def __init__(self, pool: str, size: int, in_use: Callable[[], int]) -> None:
        _SIZE.labels(pool).set(size)
        _IN_USE.labels(pool).set_function(in_use)
        self.waited = _WAIT.labels(pool).observe
        self._pool = pool

    def failed(self, error: str) -> None:
        """Count what Postgres could not do."""
        _ERRORS.labels(self._pool, error).inc()
