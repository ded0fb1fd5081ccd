"""Whether a Docker engine is there that can run the servers."""

import socket
from collections.abc import Callable, Iterable
from contextlib import closing
from urllib.parse import urlsplit

from docker import DockerClient as DockerAPI
from docker.errors import DockerException, ImageNotFound
from testcontainers.core.config import testcontainers_config
from testcontainers.core.docker_client import DockerClient, get_docker_host

DEFAULT_HOST = "unix:///var/run/docker.sock"
CONNECT_SECONDS = 2.0


class NoEngineError(RuntimeError):
    """There is no Docker engine that can run the servers; the text says what is missing."""


def check_engine(images: Iterable[str], say: Callable[[str], None]) -> None:
    """Make sure that an engine answers and has the images, or raise `NoEngineError`."""
    _check_socket(get_docker_host() or DEFAULT_HOST)
    try:
        with closing(DockerClient().client) as client:
            client.ping()
            _check_images(client, images, say)
    except (DockerException, OSError) as error:
        raise NoEngineError(f"no Docker engine answers ({error})") from error


def _check_socket(host: str) -> None:
    """Connect to the engine's socket, if it has one: the Docker library leaves its own open when that fails."""
    address = urlsplit(host)
    if address.scheme != "unix":
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(CONNECT_SECONDS)
        try:
            probe.connect(address.path)
        except OSError as error:
            raise NoEngineError(f"no Docker engine answers at {host} ({error})") from error


def _check_images(client: DockerAPI, images: Iterable[str], say: Callable[[str], None]) -> None:
    for image in images:
        if not _has(client, image, say):
            raise NoEngineError(f"the Docker engine has no image {image} and cannot pull it")
    # The reaper removes what a killed test run leaves; without its image nothing would start.
    if not testcontainers_config.ryuk_disabled and not _has(client, testcontainers_config.ryuk_image, say):
        testcontainers_config.ryuk_disabled = True
        say("going on without the reaper: containers stay behind if this run is killed")


def _has(client: DockerAPI, image: str, say: Callable[[str], None]) -> bool:
    try:
        client.images.get(image)
    except ImageNotFound:
        say(f"pulling {image} ...")
        try:
            client.images.pull(image)
        except DockerException as error:
            say(f"pulling {image} failed: {error}")
            return False
    return True
