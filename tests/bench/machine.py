"""What a figure depends on: the machine, how busy it is, and the versions of what runs."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import aio_pika
import asyncpg

_PACKAGES = ("aiohttp", "aio-pika", "asyncpg", "orjson")


async def described(environment: Mapping[str, str]) -> list[str]:
    """Return the lines that describe where a run takes place."""
    packages = ", ".join(f"{package} {version(package)}" for package in _PACKAGES)
    postgres, rabbitmq = await _postgres(environment["DATABASE_URL"]), await _rabbitmq(environment["AMQP_URL"])
    return [
        f"{os.cpu_count()} cores, {_processor()}; {load()}",
        f"Python {platform.python_version()}, {packages}; PostgreSQL {postgres}, RabbitMQ {rabbitmq}",
    ]


def load() -> str:
    """Return the load average and how many processes want to run now."""
    one, five, _ = os.getloadavg()
    runnable = Path("/proc/loadavg").read_text(encoding="ascii").split()[3].partition("/")[0]
    return f"load average {one:.2f} (1 min), {five:.2f} (5 min), {runnable} running"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, text = line.partition(":")
        if name.strip() == "model name":
            return text.strip()
    return platform.machine()


async def _postgres(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.fetchval("show server_version")).split()[0]
    finally:
        await connection.close()


async def _rabbitmq(url: str) -> str:
    async with await aio_pika.connect(url) as connection:
        properties = connection.transport.connection.server_properties if connection.transport else {}
        return str(properties.get("version", "unknown"))
