"""The gateways of a stack of containers: where they are published, and whether they see the workers."""

import json
import subprocess

from deploy.docker.compose import Compose
from deploy.local.roles import knows_workers

_PORT = 8080


def addresses(compose: Compose) -> list[str]:
    """Return the address of each gateway."""
    published = [
        port["PublishedPort"]
        for container in compose.containers("gateway")
        for port in container["Publishers"]
        if port["TargetPort"] == _PORT and port["PublishedPort"]
    ]
    return [f"http://127.0.0.1:{port}" for port in dict.fromkeys(published)]


def see_workers(compose: Compose) -> bool:
    """Whether there are gateways, and each is ready and knows of a worker of each role."""
    gateways = compose.containers("gateway")
    return bool(gateways) and all(_sees_workers(container["ID"]) for container in gateways)


def _sees_workers(container: str) -> bool:
    argv = ("docker", "exec", container, "python", "-I", "healthy.py")
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.returncode == 0 and knows_workers(json.loads(done.stdout)["problems"])
