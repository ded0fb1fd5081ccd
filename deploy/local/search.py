"""What a stack searches with: an OpenSearch of its own or, where none is wanted or can be had, its Postgres."""

from collections.abc import Callable
from pathlib import Path

from deploy.local.opensearch import OpenSearch
from deploy.local.packages import MissingProgramError
from deploy.local.process import Command
from deploy.local.state import State

OPENSEARCH, POSTGRES = BACKENDS = ("opensearch", "postgres")


class Search:
    """The choice that a run folder remembers, and its OpenSearch."""

    def __init__(self, folder: Path, state: State) -> None:
        self._state = state
        self.server = OpenSearch(folder / "opensearch")

    @property
    def on_opensearch(self) -> bool:
        return self._state.get("search_backend") == OPENSEARCH

    def choose(self, wanted: str, say: Callable[[str], None]) -> None:
        """Remember what it is, with OpenSearch ready to be started if it is that one; it must not run yet."""
        backend = wanted
        if wanted == OPENSEARCH:
            say("looking for OpenSearch")
            try:
                self.server.prepare()
            except MissingProgramError as error:
                say(f"no OpenSearch, so Postgres searches: {error}")
                backend = POSTGRES
        self._state.put("search_backend", backend)

    @property
    def environment(self) -> dict[str, str]:
        """The settings that tell a role what to search with."""
        if not self.on_opensearch:
            return {"SEARCH_BACKEND": POSTGRES}
        return {"SEARCH_BACKEND": OPENSEARCH, "OPENSEARCH_URL": self.server.url}

    @property
    def index(self) -> str:
        """Which index it is: each backend has its own, and each version of OpenSearch."""
        return f"{OPENSEARCH} {self.server.version}" if self.on_opensearch else POSTGRES

    @property
    def index_is_current(self) -> bool:
        """Whether that index has been written to all along, since no other one was used last."""
        return self._state.get("search_index") == self.index

    def remember_index(self) -> None:
        self._state.put("search_index", self.index)

    @property
    def commands(self) -> list[Command]:
        return [self.server.command] if self.on_opensearch else []
