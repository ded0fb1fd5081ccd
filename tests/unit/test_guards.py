"""Guards: what is refused before anybody looks at what others sent."""

import time
from collections.abc import Sequence

import pytest

from services.delivery.carriers.carrier import Submission
from services.delivery.guards import Cap, Check, Guard, Guards, Reason, Sized
from services.delivery.senders import Senders

AUSTRIAN, AMERICAN, CANADIAN = "436990000002", "12025550123", "14165550123"


class Store:
    """Refuses what has two parts; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Sequence[Sized], Sequence[Cap]]] = []

    async def refusals(self, messages: Sequence[Sized], caps: Sequence[Cap]) -> Sequence[Reason | None]:
        self.asked.append((messages, caps))
        return [Reason.CAPPED if each.parts == 2 else None for each in messages]


def check(recipient: str = AUSTRIAN, text: str = "a text") -> Check:
    return Check(Submission(1, 2, 3, "436990000001", recipient, text, 0, 4_000_000_000_000))


@pytest.mark.parametrize(
    ("checked", "reason"),
    [
        (check(), None),
        (check(AMERICAN), Reason.COUNTRY),
        (check(CANADIAN), None),
        (check("123"), Reason.NO_NUMBER),
        (check("4369"), Reason.NO_NUMBER),
        (check("870773111632"), Reason.COUNTRY),
        (check(text="\x1b"), Reason.TEXT),
        (check(text="a" * 460), Reason.PARTS),
        (check(text="a" * 459), None),
        (check(text="a" * 161), Reason.CAPPED),
    ],
)
async def test_what_is_refused(checked: Check, reason: Reason | None) -> None:
    guards = Guards(parts=3, countries=frozenset({"AT", "CA"}))
    assert await Guard(Store(), lambda: guards).refusals([checked]) == [reason]


async def test_a_text_of_megabytes_holds_up_nobody() -> None:
    began = time.process_time()
    assert await Guard(Store(), Guards).refusals([check(text="a" * 10_000_000)]) == [Reason.PARTS]
    assert time.process_time() - began < 1.0


async def test_a_text_that_is_short_when_it_is_composed_is_sent() -> None:
    text = "e\u0301" * 459
    assert await Guard(Store(), lambda: Guards(parts=3)).refusals([check(text=text)]) == [None]


async def test_every_answer_stands_at_its_message() -> None:
    store = Store()
    guards = Guards(parts=3, caps=(Cap(prefix="43", parts=5),))
    checks = [check("1"), check(text="a" * 161), check(text="\x1b"), check()]
    assert await Guard(store, lambda: guards).refusals(checks) == [
        Reason.NO_NUMBER,
        Reason.CAPPED,
        Reason.TEXT,
        None,
    ]
    assert store.asked == [([Sized(checks[1], 2), Sized(checks[3], 1)], guards.caps)]


async def test_nobody_is_asked_for_nothing() -> None:
    store = Store()
    assert await Guard(store, Guards).refusals([check("1")]) == [Reason.NO_NUMBER]
    assert await Guard(store, Guards).refusals([]) == []
    assert store.asked == []


async def test_what_the_file_says_later_holds_later() -> None:
    now = [Guards(parts=1)]
    guard = Guard(Store(), lambda: now[0])
    assert await guard.refusals([check(text="a" * 400)]) == [Reason.PARTS]
    now[0] = Guards()
    assert await guard.refusals([check(text="a" * 400)]) == [None]


_SENDERS = (
    Senders(countries=frozenset({"AT"}), kinds=frozenset({"numeric"}), names=frozenset({"Firm", "12345"})),
    Senders(countries=frozenset({"US"}), names=frozenset({"4306990000001"})),
    Senders(kinds=frozenset({"short", "alphanumeric"})),
)


@pytest.mark.parametrize(
    ("sender", "recipient", "is_sent"),
    [
        ("436990000001", AUSTRIAN, True),
        ("Firm", AUSTRIAN, True),
        ("firm", AUSTRIAN, False),
        ("Other", AUSTRIAN, False),
        ("12345", AUSTRIAN, True),
        ("12346", AUSTRIAN, False),
        ("", AUSTRIAN, False),
        ("436990000001", AMERICAN, True),
        ("436990000002", AMERICAN, False),
        ("Firm", AMERICAN, False),
        ("Firm", CANADIAN, True),
        ("123456", CANADIAN, True),
        ("1234567", CANADIAN, False),
    ],
)
async def test_who_may_be_the_sender_is_said_by_the_country(sender: str, recipient: str, *, is_sent: bool) -> None:
    checked = check(recipient)
    checked = checked._replace(submission=checked.submission._replace(sender=sender))
    expected = None if is_sent else Reason.SENDER
    assert await Guard(Store(), lambda: Guards(senders=_SENDERS)).refusals([checked]) == [expected]
    # Where no entry is for its country all may.
    assert await Guard(Store(), lambda: Guards(senders=_SENDERS[:1])).refusals([check(AMERICAN)]) == [None]
    assert await Guard(Store(), Guards).refusals([checked]) == [None]
