"""A database of one test's own on the shared server."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg

from tests.servers import Servers


@asynccontextmanager
async def fresh_database(servers: Servers, template: str = "template1") -> AsyncIterator[str]:
    """Yield the URL of an empty database, or a copy of another one, which is dropped afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    await on_server(servers, f"create database {name} template {template}")
    try:
        yield urlsplit(servers.postgres.url)._replace(path=f"/{name}").geturl()
    finally:
        await on_server(servers, f"drop database {name} with (force)")


async def on_server(servers: Servers, statement: str) -> list[asyncpg.Record]:
    """Run one statement as the owner of all databases, and return its rows."""
    connection = await asyncpg.connect(servers.postgres.url)
    try:
        return await connection.fetch(statement)
    finally:
        await connection.close()
