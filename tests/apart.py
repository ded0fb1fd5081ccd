"""A place for one more service on servers that others use: a database and a virtual host of its own."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from deploy.local.rabbitmq import USER
from tests.integration.fresh_database import fresh_database
from tests.servers import Servers


@asynccontextmanager
async def virtual_host(servers: Servers) -> AsyncIterator[str]:
    """Yield the URL of a virtual host of RabbitMQ that nobody else uses; it is gone afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    control = servers.rabbitmq.control
    await asyncio.to_thread(control, "add_vhost", name)
    try:
        await asyncio.to_thread(control, "set_permissions", "-p", name, USER, ".*", ".*", ".*")
        yield urlsplit(servers.rabbitmq.url)._replace(path=f"/{name}").geturl()
    finally:
        await asyncio.to_thread(control, "delete_vhost", name)


@asynccontextmanager
async def place_of_its_own(servers: Servers) -> AsyncIterator[Mapping[str, str]]:
    """Yield the settings that name it; it is gone afterwards."""
    async with fresh_database(servers) as database, virtual_host(servers) as broker:
        yield {"DATABASE_URL": database, "AMQP_URL": broker}
