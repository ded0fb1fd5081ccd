"""A process of any role: settings, logs, health, signals, drain."""

import asyncio
import gc
import logging
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from shared import failpoints, logs
from shared.health import Health, Probe
from shared.loop_lag import measuring_lag
from shared.metrics import process
from shared.settings import Settings, SettingsError

logger = logging.getLogger(__name__)

# Objects that are looked through when that many more were made than freed: at 700, calls under way were looked through
# again and again.
_COLLECTED_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Service:
    """A service that runs: how it is probed, and how it finishes what it has accepted."""

    probes: Sequence[Probe]
    drain: Callable[[], Awaitable[None]]


App = Callable[[Settings], AbstractAsyncContextManager[Service]]


def main(role: str, app: App) -> None:
    """Run a role until SIGTERM or SIGINT; exit with 2 when a setting cannot be read."""
    try:
        settings = Settings.from_environment(os.environ)
        failpoints.arm(settings.failpoints)
    except (SettingsError, ValueError) as error:
        _refuse(role, error)
    logs.configure(role, settings.log_level)
    try:
        asyncio.run(_run(role, settings, app))
    except SettingsError as error:
        # What a setting names, such as a file, is read by the role.
        _refuse(role, error)


def _refuse(role: str, error: ValueError) -> NoReturn:
    sys.stderr.write(f"{role} does not start, these settings are wrong:\n{error}\n")
    raise SystemExit(2) from None


async def _run(role: str, settings: Settings, app: App) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_unhandled)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # It would end the process without a drain; roles that read files again handle it themselves.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    process.started(role)
    async with measuring_lag(role), app(settings) as service:
        health = Health(service.probes)
        runner = await health.serve(settings.health_host, settings.health_port)
        # What lives as long as the process: to look at it again and again held a loop up for 0.3 s at a time.
        gc.freeze()
        # What requests leave behind is freed without it, but for a few circles.
        gc.set_threshold(_COLLECTED_AT_ONCE)
        logger.info("started", extra={"pid": os.getpid()})
        looking = asyncio.create_task(health.look_after_start())
        await stop.wait()
        looking.cancel()
        logger.info("draining")
        health.draining = True
        process.draining()
        await service.drain()
        await runner.cleanup()
    logger.info("stopped")


def _log_unhandled(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # Only what it was and where: its text may hold what a client sent.
    error = context.get("exception")
    frames = traceback.extract_tb(error.__traceback__)[-1:] if error else []
    where = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames]
    logger.error("unhandled in the event loop", extra={"error": type(error).__name__, "where": where})
