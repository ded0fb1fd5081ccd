"""Jobs: what is to be sent, and what became of a submission."""

from typing import Literal, NamedTuple

from services.delivery.carriers.carrier import Submission

JobState = Literal["accepted", "waiting", "submitting", "ending"]
Event = Literal["accepted", "queued", "unknown", "failed"]


class DueJob(NamedTuple):
    """A job for which nobody has chosen a carrier; dates in ms since 1970, numbers in digits."""

    account_id: int
    message_id: int
    job_id: int
    recipient: str
    sender: str
    body: str
    encoding: int
    may_be_twin: bool
    is_scheduled: bool
    stored_at: int
    due_at: int


class Claimed(NamedTuple):
    """A job that is to be submitted, or was, by whoever has this `claim` on it."""

    account_id: int
    message_id: int
    claim: int
    job_id: int
    sender: str
    recipient: str
    body: str
    encoding: int
    expires_at: int
    due_at: int
    attempts: int
    resends: int
    is_counted: bool
    tried: list[str]

    def submission(self, sender: str, deadline: float) -> Submission:
        """Return what a carrier gets of it, from that sender, to begin before the deadline."""
        return Submission(
            self.account_id, self.message_id, self.job_id, sender, self.recipient, self.body, self.encoding,
            self.expires_at, deadline,
        )  # fmt: skip


class Lost(NamedTuple):
    """A submission whose answer did not come: its worker is gone, or it `was_unknown` and has waited for more."""

    job: Claimed
    carrier: str
    was_unknown: bool


class Routed(NamedTuple):
    """A job with its carrier and its sender's number."""

    account_id: int
    message_id: int
    carrier: str
    sender: str


class Standing(NamedTuple):
    """A job in the line of a carrier; numbers in digits."""

    account_id: int
    message_id: int
    recipient: str
    sender: str
    tried: list[str]


class Ended(NamedTuple):
    """A job that no carrier gets, and why."""

    account_id: int
    message_id: int
    outcome: Literal["delivered", "failed"]
    reason: str


class Conclusion(NamedTuple):
    """What follows from a submission, in the order of `delivery_conclude`'s arguments.

    `event` stands in the timeline; the job is accepted until `wait_ms` after it expires, waits for so long, ends, or is
    still submitted, and others leave it alone for so long, since more may come.
    `tried` and `carrier_ids` are JSON arrays.
    """

    account_id: int
    message_id: int
    claim: int
    event: Event
    reason: str
    state: JobState
    wait_ms: int
    carrier: str
    tried: str
    attempts: int
    resends: int
    carrier_ids: str
    is_counted: bool


class Untold(NamedTuple):
    """A job that ended, of whose message the mailbox has to know."""

    account_id: int
    message_id: int
    status: int
    ended_at: int
    carrier: str = ""
    receipt_ms: int | None = None
