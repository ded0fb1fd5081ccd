"""The carrier for development."""

from io import StringIO

from services.delivery.carriers.carrier import Accepted, Carrier, Submission
from services.delivery.carriers.console import Console


async def test_it_accepts_and_prints_a_line_without_text_or_number() -> None:
    out = StringIO()
    carrier: Carrier = Console("console", out=out)
    submission = Submission(7, 8, 9, "436990000001", "436990000002", "a word", 0, 1)
    assert await carrier.submit(submission) == Accepted(("console-9",))
    assert out.getvalue() == "SMS by console: account 7, message 8, 6 characters, id console-9\n"
