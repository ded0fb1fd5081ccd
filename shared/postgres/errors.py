"""What can go wrong between us and Postgres that is no bug of ours, told apart for callers."""

import asyncpg

from shared.contract.faults import Away
from shared.tls import refusal

_AWAY = frozenset({"25006", "57P01", "57P02", "57P03", "57P05"})
# Of connections, credentials, the database's name, resources that ran out, and the machine below: nothing that another
# statement would do better.
_AWAY_CLASSES = ("08", "28", "3D", "53", "58")
_CANCELED = "57014"
_LOCK_NOT_AVAILABLE = "55P03"


# Postgres says that the statement is wrong, such as on a schema that is not the one of this code.
StatementRefused = asyncpg.PostgresError


class DatabaseError(Away):
    """Postgres could not do it now: a command is answered 99 and never run again by itself."""


class DatabaseAway(DatabaseError):  # noqa: N818 - a state of the database, not of the code
    """No usable Postgres, or it left in the middle: the outcome of a write is unknown."""


class DatabaseTimeout(DatabaseError):  # noqa: N818 - named like the built-in's meaning
    """The time ran out, waiting for a connection or for an answer: the outcome of a write is unknown."""


class LockTimeout(DatabaseError):  # noqa: N818 - named like Postgres's own setting
    """A row stayed locked for longer than `lock_timeout`: nothing was done."""


def translated(error: BaseException) -> DatabaseError | None:
    """Return our error for what asyncpg raised, or none when it is something else, such as a bug."""
    if isinstance(error, TimeoutError):
        return DatabaseTimeout("no answer in time")
    if isinstance(error, asyncpg.PostgresError):
        return _from_sqlstate(error.sqlstate or "")
    if type(error) is asyncpg.InterfaceError:  # its subclasses say that an argument is wrong
        return DatabaseAway(str(error))
    if isinstance(error, OSError | asyncpg.InternalClientError):
        return DatabaseAway(refusal(error) or type(error).__name__)
    return None


def _from_sqlstate(sqlstate: str) -> DatabaseError | None:
    if sqlstate in _AWAY or sqlstate.startswith(_AWAY_CLASSES):
        return DatabaseAway(f"sqlstate {sqlstate}")
    if sqlstate == _CANCELED:
        return DatabaseTimeout("canceled by the server")
    if sqlstate == _LOCK_NOT_AVAILABLE:
        return LockTimeout("a row stayed locked")
    return None
