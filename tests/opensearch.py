"""The OpenSearch of a test run: started beside other servers, and said loudly where there is none."""

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from deploy.local.packages import MissingProgramError
from tests.servers import PreparedServer

REQUIRED = "required"
MISSING = pytest.StashKey[str]()


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
            config.stash[MISSING] = str(error)
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


def report(reporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Repeat at the end of a run what it went without."""
    if MISSING in config.stash:
        reporter.section("warning", yellow=True, bold=True)
        reporter.line("OpenSearch could not be had: search was tested on Postgres only", yellow=True)
        reporter.line(config.stash[MISSING])
