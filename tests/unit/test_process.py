"""A process of any role ends when it is told to, and only then."""

import subprocess
import sys

# Says what becomes of it: no handler of its own for SIGHUP, as most roles have none.
ROLE = """
import asyncio, contextlib, dataclasses, os, signal
from shared import process
from shared.settings import Settings

async def drain():
    print("drained")

@contextlib.asynccontextmanager
async def app(settings):
    os.kill(os.getpid(), signal.SIGHUP)
    asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGTERM)
    yield process.Service([], drain)

asyncio.run(process._run("messages", dataclasses.replace(Settings.from_environment({}), health_port=0), app))
"""


def test_sighup_ends_no_role_without_a_drain() -> None:
    done = subprocess.run([sys.executable, "-c", ROLE], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "drained\n"), done.stderr
