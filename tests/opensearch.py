"""The OpenSearch of a test run: started beside other servers, and said loudly where there is none."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from deploy.local.packages import MissingProgramError
from tests.servers import PreparedServer

REQUIRED = "required"
MISSING = pytest.StashKey[str]()
_MISSING = "opensearch missing"


class Beginning:
    """A server that starts while the caller does something else."""

    def __init__(self, server: PreparedServer, say: Callable[[str], None]) -> None:
        self._server = server
        self._say = say
        self._prepared = False
        self._starter = ThreadPoolExecutor(1)
        self._started: Future[None] = self._starter.submit(self._start)

    def server(self, config: pytest.Config) -> PreparedServer | None:
        """Wait until it is ready and return it; remember and say why there is none where it cannot be had."""
        try:
            self._started.result()
        except MissingProgramError as error:
            if os.environ.get("OPENSEARCH") == REQUIRED:
                raise
            remember(config, str(error))
            self._say(f"OPENSEARCH COULD NOT BE HAD, search is tested on Postgres only: {error}")
            return None
        return self._server

    def end(self) -> None:
        """End it without ado, since its data goes: its orderly end may take seconds that later starts would gain."""
        self._starter.shutdown()
        if self._prepared:
            self._server.kill()
            self._server.remove()

    def _start(self) -> None:
        self._server.prepare()
        self._prepared = True
        self._server.start()


def remember(config: pytest.Config, reason: str) -> None:
    """Keep why there is none until the end of the run, also for whom this process runs tests."""
    config.stash[MISSING] = reason
    if hasattr(config, "workeroutput"):
        config.workeroutput[_MISSING] = reason


def heard(config: pytest.Config, output: Mapping[str, object]) -> None:
    """Keep what a process that ran tests for this one remembered."""
    if _MISSING in output:
        config.stash[MISSING] = str(output[_MISSING])


def report(reporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Repeat at the end of a run what it went without."""
    if MISSING in config.stash:
        reporter.section("warning", yellow=True, bold=True)
        reporter.line("OpenSearch could not be had: search was tested on Postgres only", yellow=True)
        reporter.line(config.stash[MISSING])
