"""A pod as a process of this machine: the command and the environment of its manifest, with addresses of its own."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import urlopen

from deploy.local.process import Command, Process
from deploy.local.roles import ROOT
from tests.deploy.manifests import Pod, environment, files

_EVERY_ADDRESS = "0.0.0.0"
_HOSTS = ("HOST", "HEALTH_HOST", "WEBHOOKS_HOST")


class Answer(NamedTuple):
    """What a GET got."""

    status: int
    text: str


class PodProcess:
    """Runs the role of a pod on an address of the loopback network, so that its ports stay those of the manifest.

    `servers` has the settings that say where servers are; they take the place of what Secrets say.
    """

    def __init__(self, overlay: str, pod: Pod, address: str, servers: Mapping[str, str], folder: Path) -> None:
        self._pod = pod
        self._address = address
        python, *arguments = pod.container["command"]
        if python != "python":
            raise ValueError(f"{pod.name} is started by {python}")
        self._command = Command(
            name=pod.name,
            argv=(sys.executable, *arguments),
            environment={"PYTHONUNBUFFERED": "1", **self._environment(overlay, servers, folder)},
            directory=ROOT,
        )
        self._process = Process(self._command, folder / f"{pod.name}.log")

    def start(self) -> None:
        self._process.start()

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run the command of a Job to its end."""
        return subprocess.run(
            self._command.argv,
            env=self._command.full_environment(),
            cwd=self._command.directory,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def wait_ready(self) -> None:
        """Wait until the readiness probe of the manifest is content; raise as a process does."""
        self._process.wait_ready(lambda: self._passes("readinessProbe"), 60)

    def stop(self) -> None:
        self._process.stop()

    def probe(self, name: str) -> Answer:
        """Ask what a probe of the manifest asks."""
        asked = self._pod.container[name]["httpGet"]
        return self.get(asked["port"], asked["path"])

    def get(self, port_name: str, path: str) -> Answer:
        """GET a path at a port that the manifest names; raise `OSError` where nobody listens."""
        (port,) = [each["containerPort"] for each in self._pod.container["ports"] if each["name"] == port_name]
        try:
            with urlopen(f"http://{self._address}:{port}{path}", timeout=10) as response:
                return Answer(response.status, response.read().decode())
        except HTTPError as error:
            with error:
                return Answer(error.code, error.read().decode())

    def _passes(self, probe: str) -> bool:
        try:
            return self.probe(probe).status == 200
        except OSError:
            return False

    def _environment(self, overlay: str, servers: Mapping[str, str], folder: Path) -> Mapping[str, str]:
        mounted = files(overlay, self._pod)
        found: dict[str, str] = {}
        for name, value in environment(overlay, self._pod).items():
            if name.endswith("_FILE"):
                text = servers.get(name.removesuffix("_FILE"), mounted[value])
                found[name] = str(self._written(folder, name, text))
            elif name in _HOSTS:
                # Elsewhere nobody outside of the pod would reach it.
                if value != _EVERY_ADDRESS:
                    raise ValueError(f"{self._pod.name}: {name} is {value}")
                found[name] = self._address
            else:
                found[name] = value
        return found

    def _written(self, folder: Path, name: str, text: str) -> Path:
        path = folder / self._pod.name / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path
