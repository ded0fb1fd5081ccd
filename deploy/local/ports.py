"""Free ports of 127.0.0.1, kept from others on this machine who choose one while its server is not up yet."""

import atexit
import itertools
import secrets
import socket
from collections import deque
from collections.abc import Sequence

# Below the range from which the kernel takes ports for clients.
_PORTS = range(20_000, 32_000)
# What was chosen before so many others is up by now.
_MOST_CHOSEN = 64
_chosen: deque["Reservation"] = deque()


@atexit.register
def _release_all() -> None:
    while _chosen:
        _chosen.pop().release()


class Reservation:
    """Holds a port against other choosers until it is released or this process ends.

    It is an abstract Unix socket, which lives where the port does: in the network namespace of the machine.
    """

    def __init__(self, port: int, claim: socket.socket) -> None:
        self.port = port
        self._claim = claim

    def release(self) -> None:
        self._claim.close()


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(preferred: int | None = None) -> int:
    """Return a free port: `preferred` if that is free. This process keeps it from other choosers for a while."""
    if preferred is not None and is_free(preferred):
        return preferred
    _chosen.append(reserve(_PORTS))
    if len(_chosen) > _MOST_CHOSEN:
        _chosen.popleft().release()
    return _chosen[-1].port


def reserve(ports: Sequence[int], preferred: int | None = None) -> Reservation:
    """Reserve a free port: `preferred` if that can be had, else any of `ports`; raise `OSError` if there is none."""
    first = [] if preferred is None else [preferred]
    start = secrets.randbelow(len(ports))
    for port in itertools.chain(first, ports[start:], ports[:start]):
        claim = _claim(port)
        if claim is None:
            continue
        if is_free(port):
            return Reservation(port, claim)
        claim.close()
    raise OSError(f"no port from {ports[0]} to {ports[-1]} is free")


def _claim(port: int) -> socket.socket | None:
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0usermessage-port-{port}")
    except OSError:
        claim.close()
        return None
    return claim
