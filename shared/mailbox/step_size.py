"""How many messages one transaction makes tombstones of, so that the mailbox is never locked for long."""

# Holds the mailbox's lock for 15 to 40 ms.
_MOST_MESSAGES = 1000
_LONG_SECONDS = 0.2


class StepSize:
    """The size of the next step, after how long the last one took."""

    def __init__(self) -> None:
        self.messages = _MOST_MESSAGES

    def took(self, seconds: float) -> None:
        """Adapt: long messages take longer to throw away, and others wait for the mailbox meanwhile."""
        self.messages = self.messages // 2 + 1 if seconds > _LONG_SECONDS else min(2 * self.messages, _MOST_MESSAGES)
