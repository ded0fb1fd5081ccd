"""What Postgres says is told apart: it is away, it was too slow, or the statement is wrong."""

import asyncpg
import pytest

from shared.postgres.errors import DatabaseAway, DatabaseError, DatabaseTimeout, LockTimeout, translated

AWAY = (
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.AdminShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.ConnectionFailureError,
    asyncpg.InvalidPasswordError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DiskFullError,
    asyncpg.OutOfMemoryError,
    asyncpg.PostgresIOError,
)
WRONG = (asyncpg.UniqueViolationError, asyncpg.NumericValueOutOfRangeError, asyncpg.UndefinedTableError)


@pytest.mark.parametrize("error", AWAY)
def test_it_is_away(error: type[asyncpg.PostgresError]) -> None:
    assert isinstance(translated(error("text")), DatabaseAway)


@pytest.mark.parametrize("error", WRONG)
def test_the_statement_is_wrong(error: type[asyncpg.PostgresError]) -> None:
    assert translated(error("text")) is None


def test_it_was_too_slow() -> None:
    slow: list[tuple[BaseException, type[DatabaseError]]] = [
        (TimeoutError(), DatabaseTimeout),
        (asyncpg.QueryCanceledError("text"), DatabaseTimeout),
        (asyncpg.LockNotAvailableError("text"), LockTimeout),
    ]
    assert [type(translated(error)) for error, _ in slow] == [kind for _, kind in slow]
