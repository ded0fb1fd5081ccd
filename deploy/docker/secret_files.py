"""The secrets of `compose.yaml`, each a file: `python3 -m deploy.docker.secret_files [FOLDER]` makes those that miss.

The files may be read by all, since each container's own user reads them, but the folder only by its owner.
"""

import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

_USER = "usermessage"


class SecretsError(RuntimeError):
    """Some of the secrets are gone; the text says which."""


def make(folder: Path) -> bool:
    """Make the passwords and what holds them, unless they are there; return whether they are new."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    texts = _texts(*(secrets.token_urlsafe(24) for _ in range(3)))
    missing = [name for name in texts if not (folder / name).exists()]
    if not missing:
        return False
    if len(missing) < len(texts):
        raise SecretsError(f"{folder} lacks {', '.join(missing)}: put them back, or remove the folder and all data")
    for name, text in texts.items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o444)
    return True


def _texts(postgres: str, rabbitmq: str, valkey: str) -> Mapping[str, str]:
    """Return the content of each file. The passwords are letters, digits, - and _, so no format quotes them."""
    return {
        "postgres_password": f"{postgres}\n",
        "database_url": f"postgresql://{_USER}:{postgres}@postgres:5432/{_USER}\n",
        "rabbitmq_conf": f"default_user = {_USER}\ndefault_pass = {rabbitmq}\n",
        "amqp_url": f"amqp://{_USER}:{rabbitmq}@rabbitmq:5672/\n",
        "valkey_conf": f'requirepass {valkey}\nsave ""\nmaxmemory 128mb\nmaxmemory-policy volatile-ttl\n',
        "limits_url": f"valkey://:{valkey}@valkey:6379/0\n",
    }


if __name__ == "__main__":
    make(Path(*(sys.argv[1:] or [".run/secrets"])))
