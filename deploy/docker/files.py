"""What a run folder hands to `compose.yaml`: secrets, settings, the file of carriers, and where each is."""

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from deploy.docker import secret_files
from deploy.local.fleet import DECIDED, passed_on
from deploy.local.state import State, write_private

# The settings that the containers decide besides.
_DECIDED = {*DECIDED, "LIMITS_URL", "LIMITS_CA", "WEBHOOKS_HOST"}
_NAME = "carriers_name"
_PORTS_OF_GATEWAYS = 10
# An odd number of backslashes before a quote or the end: the last of them escapes the quote that stands there.
_UNWRITABLE = re.compile(r"(?<!\\)(?:\\\\)*\\(?='|\Z)")


class UnwritableError(ValueError):
    """A variable's value cannot be written for Compose; the text names the variable."""


class Files:
    """The files of one run folder, and the variables that name them."""

    def __init__(self, folder: Path, state: State) -> None:
        self._folder = folder
        self._state = state

    def make_secrets(self) -> bool:
        """Make the secrets unless they are there; return whether they are new."""
        return secret_files.make(self._folder / "secrets")

    def write_settings(self, limits: str, carriers: Mapping[str, str]) -> None:
        """Write the settings of this run for the containers, and lay the file of carriers where they see it."""
        self.lay_carriers(Path(carriers["CARRIERS_FILE"]))
        named = {name: value for name, value in carriers.items() if name != "CARRIERS_FILE"}
        write_private(self._folder / "carriers.env", _lines(named))
        write_private(self._folder / "settings.env", _lines({**passed_on(_DECIDED), "LIMITS": limits}))

    def lay_carriers(self, file: Path) -> None:
        """Lay a file of carriers where containers see it; by another name Compose learns that it is another one."""
        folder = self._folder / "carriers"
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        content = file.read_bytes()
        laid = folder / f"carriers-{hashlib.sha256(content).hexdigest()[:12]}.toml"
        laid.write_bytes(content)
        laid.chmod(0o644)
        # Containers that run have the last one until they are replaced.
        for old in {*folder.glob("*.toml")} - {laid, folder / (self._state.get(_NAME) or "")}:
            old.unlink()
        self._state.put(_NAME, laid.name)

    def choose_port(self) -> None:
        """Choose where the gateway is published, late, so that two stacks hardly take the same."""
        self._state.port_now_free("port", preferred=8080)

    def variables(self, *, gateways: int) -> dict[str, str]:
        """Return what compose.yaml asks the environment for."""
        port = int(self._state.get("port") or 8080)
        return {
            "PORT": str(port) if gateways == 1 else f"{port}-{port + _PORTS_OF_GATEWAYS - 1}",
            "SECRETS_FOLDER": str(self._folder / "secrets"),
            "SETTINGS_FILE": str(self._folder / "settings.env"),
            "CARRIER_SECRETS_FILE": str(self._folder / "carriers.env"),
            "CARRIERS_FOLDER": str(self._folder / "carriers"),
            "CARRIERS_NAME": self._state.get(_NAME) or "none.toml",
            "SEARCH_BACKEND": self._state.get("search_backend") or "opensearch",
            **self._compose_file(),
        }

    def remember_compose_file(self) -> None:
        """Remember the files that `make up` was called with: later commands need the same, and so does the next up."""
        if named := os.environ.get("COMPOSE_FILE"):
            self._state.put("compose_file", named)

    def _compose_file(self) -> dict[str, str]:
        remembered = os.environ.get("COMPOSE_FILE") or self._state.get("compose_file")
        return {"COMPOSE_FILE": remembered} if remembered else {}


def _lines(values: Mapping[str, str]) -> str:
    """Write a file of variables as Compose reads it: nothing within single quotes means anything else."""
    for name, value in values.items():
        if _UNWRITABLE.search(value):
            raise UnwritableError(f"Compose cannot hand {name} on: a backslash stands before a ' or at its end")
    quoted = {name: value.replace("'", "\\'") for name, value in values.items()}
    return "".join(f"{name}='{value}'\n" for name, value in quoted.items())
