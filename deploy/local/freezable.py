"""A server of one program that can be stopped, killed, restarted, and made to stand still."""

import signal
from abc import ABC, abstractmethod

from deploy.local.process import Process


class Freezable(ABC):
    """What servers have in common once their process is known; `start` is their own."""

    @property
    @abstractmethod
    def process(self) -> Process: ...

    @abstractmethod
    def start(self) -> None:
        """Start it and wait until it is ready."""

    def stop(self) -> None:
        self.thaw()
        self.process.stop()

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()

    def restart(self) -> None:
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Let every process of it stand still (SIGSTOP); connections stay open."""
        self.process.signal_group(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on; no harm where it was not frozen."""
        self.process.signal_group(signal.SIGCONT)
