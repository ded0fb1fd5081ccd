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
    """Make the secrets that are not there; return whether that of the database is new."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for texts_of in (_rabbitmq, _valkey, _grafana):
        _make_one(folder, texts_of(secrets.token_urlsafe(24)))
    return _make_one(folder, _postgres(secrets.token_urlsafe(24)))


def _make_one(folder: Path, texts: Mapping[str, str]) -> bool:
    """Write the files that hold one password, unless they are there."""
    missing = [name for name in texts if not (folder / name).exists()]
    if missing and len(missing) < len(texts):
        raise SecretsError(f"{folder} lacks {', '.join(missing)}: put it back, or remove the folder and all data")
    for name in missing:
        # Whole or not at all: one that is there is never made again.
        whole = folder / f"{name}.new"
        whole.unlink(missing_ok=True)
        whole.write_text(texts[name], encoding="utf-8")
        whole.chmod(0o444)
        whole.replace(folder / name)
    return bool(missing)


# The passwords are letters, digits, - and _, so no format quotes them.


def _postgres(password: str) -> Mapping[str, str]:
    url = f"postgresql://{_USER}:{password}@postgres:5432/{_USER}"
    return {"postgres_password": f"{password}\n", "database_url": f"{url}\n"}


def _rabbitmq(password: str) -> Mapping[str, str]:
    configuration = f"default_user = {_USER}\ndefault_pass = {password}\n"
    return {"rabbitmq_conf": configuration, "amqp_url": f"amqp://{_USER}:{password}@rabbitmq:5672/\n"}


def _valkey(password: str) -> Mapping[str, str]:
    configuration = f'requirepass {password}\nsave ""\nmaxmemory 128mb\nmaxmemory-policy volatile-ttl\n'
    return {"valkey_conf": configuration, "limits_url": f"valkey://:{password}@valkey:6379/0\n"}


def _grafana(password: str) -> Mapping[str, str]:
    return {"grafana_password": f"{password}\n"}


if __name__ == "__main__":
    make(Path(*(sys.argv[1:] or [".run/secrets"])))
