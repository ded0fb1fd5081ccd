"""A port of a small range that several runs on one machine choose from, kept from them while its server is not up."""

import random
import socket
from collections.abc import Sequence

from deploy.local.state import is_free


class Reservation:
    """Holds a port against other choosers until it is released or this process ends.

    It is an abstract Unix socket, which lives where the port does: in the network namespace of the machine.
    """

    def __init__(self, port: int, claim: socket.socket) -> None:
        self.port = port
        self._claim = claim

    def release(self) -> None:
        self._claim.close()


def reserve(ports: Sequence[int], preferred: int | None = None) -> Reservation:
    """Reserve a free port: `preferred` if that can be had, else any of `ports`; raise `OSError` if there is none."""
    first = [] if preferred is None else [preferred]
    for port in (*first, *random.sample(ports, len(ports))):
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
