"""Migrations as files.

`NNNN_name.before.sql` runs before new code is deployed, `NNNN_name.after.sql` when no old code is left.
A first line `-- oldest-code: 1.2.0` says that code older than this cannot run on the schema from then on. A first line
`-- ahead-of: 0021` says that a `before` need not wait for that `after`, which may run behind it as well.
"""

import hashlib
import itertools
import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

_NAME = re.compile(r"(?P<number>[0-9]{4})_(?P<name>[a-z0-9_]+)\.(?P<phase>before|after)\.sql")
_OLDEST_CODE = re.compile(r"-- oldest-code: ([0-9]+(?:\.[0-9]+)*)\s*\n")
_AHEAD_OF = re.compile(r"-- ahead-of: ([0-9]{4}(?:, [0-9]{4})*)\s*\n")


class MigrationError(Exception):
    """The migrations and the database do not go together; the text says why."""


class Phase(Enum):
    """When a migration runs: before the new code is deployed, or after the last old one stopped."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Migration:
    """One file; `checksum` is the SHA-256 of its bytes, in hexadecimal."""

    number: int
    name: str
    phase: Phase
    sql: str
    checksum: str
    oldest_code: str | None
    ahead_of: frozenset[int] = frozenset()

    def __str__(self) -> str:
        return f"{self.number:04}_{self.name}.{self.phase.value}"


def find_migrations(folder: Path) -> tuple[Migration, ...]:
    """Return the folder's migrations by number; raise `MigrationError` for a bad or repeated one."""
    found = sorted((_read(path) for path in folder.glob("*.sql")), key=lambda migration: migration.number)
    for earlier, later in itertools.pairwise(found):
        if earlier.number == later.number:
            raise MigrationError(f"two migrations have one number: {earlier} and {later}")
    return tuple(found)


def _read(path: Path) -> Migration:
    named = _NAME.fullmatch(path.name)
    if named is None:
        raise MigrationError(f"not a migration's name: {path.name}")
    content = path.read_bytes()
    sql = content.decode("utf-8")
    oldest = _OLDEST_CODE.match(sql)
    ahead = _AHEAD_OF.match(sql)
    return Migration(
        number=int(named["number"]),
        name=named["name"],
        phase=Phase(named["phase"]),
        sql=sql,
        checksum=hashlib.sha256(content).hexdigest(),
        oldest_code=oldest[1] if oldest else None,
        ahead_of=frozenset(map(int, ahead[1].split(", "))) if ahead else frozenset(),
    )


def version_key(version: str) -> tuple[int, ...]:
    """Return a version such as `1.10.0` as numbers that compare."""
    return tuple(int(part) for part in version.split("."))
