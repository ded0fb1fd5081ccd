"""Backups of a database as an operator makes them: `pg_dump` and `pg_restore`."""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.integration.fresh_database import on_server
from tests.servers import Servers


class Dump:
    """A dump of the database at `url`, in a file beside the server; `restore` puts the database back."""

    def __init__(self, servers: Servers, url: str, file: Path) -> None:
        self._servers = servers
        self._database = urlsplit(url).path.removeprefix("/")
        self._file = file

    async def take(self) -> None:
        arguments = ("--format=custom", f"--file={self._file}", self._database)
        await asyncio.to_thread(self._servers.postgres.client, "pg_dump", *arguments)

    async def restore(self) -> None:
        """Lose the database, and have the dumped one in its place."""
        await on_server(self._servers, f"drop database {self._database} with (force)")
        await on_server(self._servers, f"create database {self._database}")
        arguments = ("--exit-on-error", f"--dbname={self._database}", str(self._file))
        await asyncio.to_thread(self._servers.postgres.client, "pg_restore", *arguments)


@contextmanager
def dump_of(servers: Servers, url: str) -> Iterator[Dump]:
    """Yield a dump that is not taken yet; its file is gone afterwards, where it is on this machine."""
    file = Path(f"/tmp/usermessage-{secrets.token_hex(6)}.dump")
    try:
        yield Dump(servers, url, file)
    finally:
        file.unlink(missing_ok=True)
