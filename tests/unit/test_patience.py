"""Steps of contract cases that hold after a while."""

import pytest

from tests.contract.patience import until_it_holds


class Looks:
    def __init__(self, wrong: int) -> None:
        self.wrong = wrong
        self.count = 0

    async def __call__(self) -> None:
        self.count += 1
        assert self.count > self.wrong, f"look {self.count}"


async def test_an_expectation_may_hold_later() -> None:
    looks = Looks(wrong=2)
    await until_it_holds(looks)
    assert looks.count == 3


async def test_an_expectation_that_never_holds_fails_as_it_did_last() -> None:
    looks = Looks(wrong=1_000)
    with pytest.raises(AssertionError) as caught:
        await until_it_holds(looks, most=0.25)
    assert f"look {looks.count}" in str(caught.value)
    assert looks.count > 1
