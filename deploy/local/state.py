"""What a run folder remembers between two runs: ports, passwords, where data lies."""

import json
import os
import secrets
from pathlib import Path

from deploy.local.ports import free_port, is_free


class State:
    """A small JSON file of text values that only its owner can read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def get(self, name: str) -> str | None:
        return self._values.get(name)

    def put(self, name: str, value: str) -> str:
        """Remember a value, and return it."""
        self._values[name] = value
        write_private(self._path, json.dumps(self._values, indent=2) + "\n")
        return value

    def secret(self, name: str) -> str:
        """Return the secret of that name, made at the first call."""
        return self.get(name) or self.put(name, secrets.token_urlsafe(24))

    def port(self, name: str, preferred: int | None = None) -> int:
        """Return the remembered port, or a free one of 127.0.0.1: `preferred` if that is free."""
        known = self.get(name)
        return int(known) if known else int(self.put(name, str(free_port(preferred))))

    def port_now_free(self, name: str, preferred: int | None = None) -> int:
        """As `port`, but move to another port when somebody else took ours meanwhile."""
        known = self.get(name)
        if known and not is_free(int(known)):
            return int(self.put(name, str(free_port())))
        return self.port(name, preferred)


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 600, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
