"""The carriers of the local stack: a file of the caller's, which is remembered, or one that only prints."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from deploy.local.roles import ROOT
from deploy.local.state import State
from services.delivery.carrier_file import read_carrier_file

CONSOLE = ROOT / "services" / "delivery" / "carriers" / "examples" / "console.toml"
_SECRET = re.compile(r"""["']env:([A-Za-z0-9_]+)["']""")


def carrier_settings(file: Path | None, state: State) -> dict[str, str]:
    """Return what delivery has to know of a file: its path, and the secrets of our environment that it names.

    Without one it is the file of the last time, with the secrets of then where our environment has none. Raise
    `CarrierFileError` that lists all that is wrong.
    """
    last = remembered_carriers(state)
    path = (file or Path(last.get("CARRIERS_FILE", CONSOLE))).resolve()
    for name in last.keys() - {"CARRIERS_FILE"}:
        os.environ.setdefault(name, last[name])
    read_carrier_file(path)
    names = sorted({*_SECRET.findall(path.read_text(encoding="utf-8"))})
    return {"CARRIERS_FILE": str(path), **{name: os.environ[name] for name in names if name in os.environ}}


def remember_carriers(state: State, carriers: Mapping[str, str]) -> None:
    state.put("carriers", json.dumps(dict(carriers)))


def remembered_carriers(state: State) -> dict[str, str]:
    """Return what `carrier_settings` gave when the stack was brought up last, or nothing."""
    remembered: dict[str, str] = json.loads(state.get("carriers") or "{}")
    return remembered
