"""Further gateways beside the stack's own, with settings of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from deploy.local.ports import free_port
from deploy.local.process import wait_until
from deploy.local.roles import sees_workers
from tests.running import Role, Stack


@contextmanager
def another_gateway(stack: Stack, folder: Path, settings: dict[str, str]) -> Iterator[Role]:
    """Run one more gateway while the context is open; it sees the workers from the start."""
    role = stack.another("gateway", {"PORT": str(free_port()), **settings}, folder)
    try:
        role.start()
        wait_until(partial(sees_workers, role.health_port), "a gateway's sight of the workers", 60)
        yield role
    finally:
        role.stop()
