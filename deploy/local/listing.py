"""What runs in a stack, as a table for a person."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from deploy.local.fleet import Fleet
from deploy.local.roles import is_ready
from deploy.local.search import Search
from deploy.local.servers import Servers
from deploy.local.supervisor import Supervisor

HEAD = ("PROGRAM", "PID", "UPTIME", "SERVES AT", "HEALTH PORT", "READY")
Row = tuple[str, ...]
Asked = tuple[str, str, str, Callable[[], bool]]


def listing(supervisor: Supervisor, fleet: Fleet, servers: Servers, search: Search) -> str:
    """Return a line for each program that should run: its process, uptime, address, health port, and whether ready."""
    running = supervisor.programs()
    asked = [*_servers(servers, search), *_roles(fleet)]
    with ThreadPoolExecutor(len(asked)) as askers:
        answers = list(askers.map(lambda each: each[3](), asked))
    rows: list[Row] = [HEAD]
    for (name, address, health, _), ready in zip(asked, answers, strict=True):
        program = running.get(name)
        process = (str(program.pid), program.uptime) if program else ("-", "-")
        rows.append((name, *process, address, health, "yes" if ready else "no"))
    return _table(rows)


def _servers(servers: Servers, search: Search) -> Iterator[Asked]:
    postgres, rabbitmq = servers.postgres, servers.rabbitmq
    yield "postgres", f"127.0.0.1:{postgres.port}", "-", postgres.ready
    yield "epmd", "-", "-", rabbitmq.names_ready
    yield "rabbitmq", f"127.0.0.1:{rabbitmq.port}", "-", rabbitmq.ready
    if search.on_opensearch:
        yield "opensearch", f"127.0.0.1:{search.server.port}", "-", search.server.ready


def _roles(fleet: Fleet) -> Iterator[Asked]:
    addresses = dict(zip(fleet.names("gateway"), fleet.base_urls, strict=True))
    for name in fleet.all_names:
        port = fleet.health_port(name)
        yield name, addresses.get(name, "-"), str(port), partial(is_ready, port)


def _table(rows: list[Row]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
