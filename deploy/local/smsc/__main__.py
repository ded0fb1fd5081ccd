"""`python -m deploy.local.smsc`: a carrier for development, which speaks SMPP 3.4 on a port of this machine."""

import argparse
import asyncio
import json
import sys
import time
from typing import Any

import smpp34

from deploy.local.ports import free_port
from deploy.local.smsc.front import Front
from deploy.local.smsc.smsc import Smsc, Tell

_SHOWN = ("system_id", "source", "to", "text", "id", "status", "state")


def _for_people(what: str, **facts: Any) -> None:
    shown = [f"{name} {facts[name]}" for name in _SHOWN if facts.get(name) not in {None, ""}]
    print(f"{time.strftime('%H:%M:%S')} {what}: {', '.join(shown)}", flush=True)


def _for_programs(what: str, **facts: Any) -> None:
    print(json.dumps({"what": what, **facts}), flush=True)


async def _run(host: str, port: int, tell: Tell) -> None:
    inner = free_port()
    server = smpp34.Server("127.0.0.1", inner, system_id="smsc", inbound_capacity=1024)
    await server.start()
    async with Front(inner).serving(host, port) as open_port:
        tell("listening", id=f"{host}:{open_port}", port=open_port)
        await Smsc(server, tell).run()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.local.smsc", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=2775)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser.parse_args()


if __name__ == "__main__":
    arguments = _arguments()
    try:
        asyncio.run(_run(arguments.host, arguments.port, _for_programs if arguments.json else _for_people))
    except KeyboardInterrupt:
        sys.exit(0)
