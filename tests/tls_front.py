"""TLS before a server of the tests that has none, as a proxy or a mesh puts it there."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.copying import copy


@asynccontextmanager
async def tls_front(target: int, context: ssl.SSLContext) -> AsyncIterator[int]:
    """Yield a port of 127.0.0.1 on which TLS ends; what is inside goes to the port `target`."""
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(copy(source, sink))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
