"""What the bench says of a ratio and its goal."""

import pytest

from tests.bench.results import verdict


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [(0.74, "missed"), (0.76, "undecided"), (1.0, "undecided"), (1.24, "undecided"), (1.26, "reached")],
)
@pytest.mark.parametrize("goal", [0.25, 3.0])
def test_a_ratio_within_a_quarter_of_its_goal_is_undecided(goal: float, ratio: float, expected: str) -> None:
    assert verdict(goal * ratio, goal) == expected
