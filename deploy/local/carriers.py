"""The carriers of the local stack: a file of the caller's, or one that only prints."""

import os
import re
from pathlib import Path

from deploy.local.roles import ROOT
from services.delivery.carrier_file import read_carrier_file

CONSOLE = ROOT / "services" / "delivery" / "carriers" / "examples" / "console.toml"
_SECRET = re.compile(r"""["']env:([A-Za-z0-9_]+)["']""")


def carrier_settings(file: Path) -> dict[str, str]:
    """Return what delivery has to know of a file: its path, and the secrets of our environment that it names.

    Raise `CarrierFileError` that lists all that is wrong.
    """
    path = file.resolve()
    read_carrier_file(path)
    names = sorted({*_SECRET.findall(path.read_text(encoding="utf-8"))})
    return {"CARRIERS_FILE": str(path), **{name: os.environ[name] for name in names if name in os.environ}}
