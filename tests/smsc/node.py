"""Node.js with npm's codec for SMPP, as its lock has it, in the cache of this checkout."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from deploy.local.packages import find_or_install

FOLDER = Path(__file__).parent
_CACHE = FOLDER.parents[1] / ".cache"
_SECONDS = 180


def node_script() -> list[str]:
    """Return the command that runs the peer, after installing what it needs."""
    node = find_or_install(lambda: shutil.which("node"), "nodejs")
    npm = find_or_install(lambda: shutil.which("npm"), "npm")
    wanted = (FOLDER / "package-lock.json").read_bytes() + (FOLDER / "package.json").read_bytes()
    modules = _CACHE / f"smsc-{hashlib.sha256(wanted).hexdigest()[:16]}"
    if not modules.exists():
        _install(npm, modules)
    # Beside its packages, where Node.js looks for them.
    script = modules / "peer.js"
    script.write_bytes((FOLDER / "peer.js").read_bytes())
    return [node, str(script)]


def _install(npm: str, modules: Path) -> None:
    """Install in a folder that gets its name when it is whole; others may be doing the same."""
    _CACHE.mkdir(exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix="smsc-new-", dir=_CACHE))
    for name in ("package.json", "package-lock.json"):
        shutil.copy(FOLDER / name, new)
    command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(command, cwd=new, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode != 0:
        shutil.rmtree(new)
        raise RuntimeError(f"npm ci failed in a copy of {FOLDER}:\n{done.stderr}")
    try:
        new.rename(modules)
    except OSError:
        shutil.rmtree(new)
