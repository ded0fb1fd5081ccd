"""What follows from outcomes of submissions."""

from collections.abc import Collection

import pytest

from services.delivery.carriers.carrier import (
    Accepted,
    Carrier,
    NotSent,
    Outcome,
    Refusal,
    Refused,
    Unanswered,
    Unknown,
    UnknownPolicy,
)
from services.delivery.conclusions import Conclusions, Patience, Sent
from services.delivery.jobs import Claimed, Conclusion

_NOW = 1_000_000
_JOB = Claimed(
    account_id=1, message_id=2, claim=3, job_id=4, sender="", recipient="436990000001", body="hello", encoding=0,
    expires_at=_NOW + 5_000, due_at=_NOW, attempts=0, resends=0, is_counted=False, tried=[],
)  # fmt: skip
_BUSY = Refused(Refusal.TEMPORARY, "busy")


class _Carriers:
    has_file = True
    names = ("one", "two")

    def __init__(self, *names: str) -> None:
        self._routed = names

    @property
    def routes(self) -> "_Carriers":
        return self

    def choose(self, _: str, __: str, tried: Collection[str]) -> str | None:
        return next((name for name in self._routed if name not in tried), None)

    def carrier(self, _: str) -> Carrier | None:
        return None

    def sender(self, _: str, own: str) -> str:
        return own

    def unknown(self, _: str, __: str) -> UnknownPolicy | None:
        return None

    def gives_receipts(self, _: str) -> bool:
        return True

    def fallback_after(self, _: str) -> float:
        return 60.0

    def unanswered(self, _: str, __: str, ___: str) -> Unanswered:
        return Unanswered("fail")


def _drawn(
    outcome: Outcome,
    *names: str,
    attempts: int = 0,
    tried: Collection[str] = (),
    policy: UnknownPolicy = "resend",
    receipts: bool = True,
    given: bool = True,
    wait_ms: int = 0,
    was_unknown: bool = False,
) -> Conclusion:
    conclusions = Conclusions(Patience(4, 1_000, 60_000), _Carriers(*(names or ("one",))))
    job = _JOB._replace(attempts=attempts, tried=list(tried))
    sent = Sent(job, "one", receipts, Unanswered(policy, wait_ms), given, was_unknown)
    return conclusions.draw(sent, outcome)


def test_accepted_it_waits_for_receipts_longer_than_it_may_be_sent() -> None:
    found = _drawn(Accepted(("a", "b")))
    assert (found.state, found.wait_ms, found.carrier_ids) == ("accepted", 60_000, '["a","b"]')


@pytest.mark.parametrize(("ids", "receipts"), [((), True), (("a",), False)])
def test_without_receipts_to_come_it_ends(ids: tuple[str, ...], *, receipts: bool) -> None:
    found = _drawn(Accepted(ids), receipts=receipts)
    assert (found.state, found.event, found.carrier_ids) == ("ending", "accepted", "[]")


@pytest.mark.parametrize(("attempts", "least", "most"), [(0, 750, 1_000), (1, 1_500, 2_000), (2, 3_000, 4_000)])
def test_each_delay_is_twice_as_long(attempts: int, least: int, most: int) -> None:
    found = _drawn(_BUSY, attempts=attempts)
    assert (found.state, found.attempts, found.carrier) == ("waiting", attempts + 1, "one")
    assert least <= found.wait_ms <= most


@pytest.mark.parametrize("outcome", [_BUSY, Unknown("no answer")])
def test_the_last_attempt_ends_it(outcome: Outcome) -> None:
    assert _drawn(outcome, attempts=3).state == "ending"


def test_no_delay_is_longer_than_a_quarter_of_an_hour() -> None:
    conclusions = Conclusions(Patience(100, 1_000, 0), _Carriers("one"))
    sent = Sent(_JOB._replace(attempts=90), "one", gives_receipts=True, unanswered=Unanswered("resend"))
    assert 675_000 <= conclusions.draw(sent, _BUSY).wait_ms <= 900_000


def test_carriers_take_turns_until_all_were_tried() -> None:
    first = _drawn(_BUSY, "one", "two")
    assert (first.carrier, first.tried) == ("two", '["one"]')
    last = _drawn(_BUSY, "one", "two", tried=["two"])
    assert (last.carrier, last.tried) == ("one", "[]")


@pytest.mark.parametrize("outcome", [NotSent("away"), Refused(Refusal.ACCOUNT, "no money")])
def test_what_is_not_the_message_s_fault_counts_nothing(outcome: Outcome) -> None:
    held, moved = _drawn(outcome, attempts=3), _drawn(outcome, "one", "two", attempts=3)
    assert (held.state, held.carrier, held.attempts) == ("waiting", "one", 3)
    assert held.wait_ms > 0
    assert (moved.state, moved.carrier, moved.attempts, moved.wait_ms) == ("waiting", "two", 3, 0)


@pytest.mark.parametrize("kind", [Refusal.SLOW_DOWN, Refusal.FULL, Refusal.LATER])
@pytest.mark.parametrize(("asked", "wait"), [(None, 2_000), (0.1, 500), (3.0, 3_000)])
def test_slow_down_waits_as_long_as_the_carrier_asks(kind: Refusal, asked: float | None, wait: int) -> None:
    found = _drawn(Refused(kind, "throttled", asked), "one", "two", attempts=3)
    assert (found.state, found.carrier, found.attempts, found.wait_ms) == ("waiting", "one", 3, wait)


def test_permanent_ends_it_with_the_carrier_s_words() -> None:
    found = _drawn(Refused(Refusal.PERMANENT, "blocked"), "one", "two")
    assert (found.state, found.event, found.reason) == ("ending", "failed", "blocked")


def test_unknown_does_as_the_policy_says_and_never_goes_elsewhere() -> None:
    again = _drawn(Unknown("no answer"), "one", "two")
    assert (again.state, again.event, again.carrier, again.attempts) == ("waiting", "unknown", "one", 1)
    failed = _drawn(Unknown("no answer"), "one", "two", policy="fail")
    assert (failed.state, failed.event) == ("ending", "unknown")


@pytest.mark.parametrize("outcome", [NotSent("away"), Refused(Refusal.ACCOUNT, "no money")])
def test_where_the_last_fallback_is_away_too_all_may_be_tried_again(outcome: Outcome) -> None:
    found = _drawn(outcome, "one", "two", tried=["two"])
    assert (found.state, found.carrier, found.tried) == ("waiting", "one", "[]")


def test_what_was_not_given_to_its_carrier_stays_there() -> None:
    found = _drawn(NotSent("nobody could say"), "one", "two", given=False)
    assert (found.state, found.carrier) == ("waiting", "one")


def test_what_is_unknown_twice_is_not_sent_a_third_time() -> None:
    sent = Sent(_JOB, "one", gives_receipts=True, unanswered=Unanswered("resend"))
    conclusions = Conclusions(Patience(9, 1_000, 0), _Carriers("one"))
    again = conclusions.draw(sent, Unknown("no answer"))
    assert (again.state, again.resends) == ("waiting", 1)
    busy = conclusions.draw(sent._replace(job=_JOB._replace(resends=1)), _BUSY)
    assert (busy.state, busy.resends) == ("waiting", 1)
    twice = conclusions.draw(sent._replace(job=_JOB._replace(resends=1)), Unknown("no answer"))
    assert (twice.state, twice.event) == ("ending", "unknown")


async def _late() -> Outcome:
    return Accepted(("id",))


@pytest.mark.parametrize("policy", ["resend", "fail"])
@pytest.mark.parametrize("outcome", [Unknown("no answer", ("ref",)), Unknown("no answer", late=_late)])
def test_what_may_still_be_known_waits_whatever_the_policy(policy: UnknownPolicy, outcome: Unknown) -> None:
    found = _drawn(outcome, policy=policy, wait_ms=60_000)
    assert (found.state, found.event, found.wait_ms) == ("submitting", "unknown", 60_000)
    assert (found.attempts, found.resends) == (0, 0)


def test_what_nothing_can_tell_any_more_does_not_wait() -> None:
    assert _drawn(Unknown("the link broke"), wait_ms=60_000).state == "waiting"
    assert _drawn(Unknown("no answer", ("ref",)), receipts=False, wait_ms=60_000).state == "waiting"
    assert _drawn(Unknown("no answer", ("ref",))).state == "waiting"


def test_after_its_wait_it_does_as_the_policy_says_and_is_counted_as_sent_again() -> None:
    again = _drawn(Unknown("nothing"), wait_ms=60_000, was_unknown=True)
    assert (again.state, again.event, again.resends, again.attempts) == ("waiting", "queued", 1, 1)
    failed = _drawn(Unknown("nothing"), wait_ms=60_000, was_unknown=True, policy="fail")
    assert (failed.state, failed.event, failed.resends) == ("ending", "failed", 0)
