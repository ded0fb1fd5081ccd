"""What a TCP proxy of the tests does with the octets of one direction."""

import asyncio


async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter, may: asyncio.Event | None = None) -> None:
    """Copy until one end is gone, and close the other; nothing goes on while `may` is not set."""
    try:
        while data := await source.read(65_536):
            if may is not None:
                await may.wait()
            sink.write(data)
            await sink.drain()
    except OSError:  # one end is gone, so the other goes
        return
    finally:
        sink.close()
