"""What the accounts role said of numbers is remembered for a minute, and its silence is no answer."""

from typing import Any

import orjson
import pytest

from services.delivery.recipients import Recipients
from shared.contract.faults import Away, Fault, Refused

ACCOUNTS = {436990000001: 11, 436990000002: 12}


class Directory:
    """Answers as the accounts role does, or not at all; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.fault: Fault | None = None

    async def call(self, operation: object, request: dict[str, Any], *_: object) -> bytes:
        del operation
        if self.fault is not None:
            raise Refused(self.fault)
        self.asked.append(request)
        numbers = {account: number for number, account in ACCOUNTS.items()}
        found = [ACCOUNTS.get(number, 0) for number in request["msisdns"]]
        back = [numbers.get(account, 0) for account in request["accountIds"]]
        return orjson.dumps({"errorCode": 0, "accountIds": found, "msisdns": back})


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_what_is_known_is_not_asked_again_for_a_minute() -> None:
    directory, clock = Directory(), Clock()
    recipients = Recipients(directory, clock)
    for _ in range(2):
        assert await recipients.find([436990000001, 436990000009], [12]) == (
            {436990000001: 11, 436990000009: 0},
            {12: 436990000002},
        )
    assert directory.asked[1:] == [{"msisdns": [436990000009], "accountIds": []}], "who is not found may come"
    await recipients.find([436990000001, 436990000002], [12])
    assert directory.asked[2:] == [{"msisdns": [436990000002], "accountIds": []}]
    clock.now += 60.1
    await recipients.find([436990000001], [])
    assert directory.asked[3]["msisdns"] == [436990000001]


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.TOO_MANY_REQUESTS])
async def test_no_answer_is_not_no_account(fault: Fault) -> None:
    directory = Directory()
    recipients = Recipients(directory)
    directory.fault = fault
    with pytest.raises(Away):
        await recipients.find([436990000001], [])
    with pytest.raises(Away):
        await recipients.probe()
    directory.fault = None
    assert await recipients.find([436990000001], []) == ({436990000001: 11}, {})
