"""The carrier for development: it prints that it took a message, and takes every one."""

import sys
from typing import TextIO

from services.delivery.carriers.carrier import Accepted, Outcome, Submission

_RATE = 1000.0
_WINDOW = 100


class Console:
    """Prints one line for each message: ids and sizes, no text and no number."""

    def __init__(
        self,
        name: str,
        rate: float = _RATE,
        window: int = _WINDOW,
        *,
        out: TextIO | None = None,
    ) -> None:
        self.name = name
        self.rate = rate
        self.window = window
        self.open = True
        self._out = out or sys.stdout

    async def submit(self, submission: Submission) -> Outcome:
        """Print and accept."""
        carrier_id = f"{self.name}-{submission.job_id}"
        self._out.write(
            f"SMS by {self.name}: account {submission.account_id}, message {submission.message_id},"
            f" {len(submission.text)} characters, id {carrier_id}\n"
        )
        self._out.flush()
        return Accepted((carrier_id,))

    async def close(self) -> None:
        """Nothing is open."""
