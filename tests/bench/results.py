"""What came out: one line for each measurement, medians over the rounds, ratios and verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.events import Left
from tests.bench.load import Figures
from tests.bench.scenarios import Scenario
from tests.bench.yardsticks import SERVICE

UNDECIDED = 0.25
# Less than this per request is the noise of processes that wait.
_LEAST_MICROSECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Result:
    """One measurement in numbers: answers a second, milliseconds, microseconds of CPU for each answer.

    `events_left` waited when the last answer came; `settled_rate` is answers a second until none did any more.
    """

    rate: float
    p50: float
    p99: float
    wrong: int
    cpu: Mapping[str, float]
    events_left: float = 0
    settled_rate: float = 0


def result(figures: Figures, cpu_seconds: Mapping[str, float], left: Left | None = None) -> Result:
    count = len(figures.latencies)
    return Result(
        rate=figures.rate,
        p50=figures.percentile(50),
        p99=figures.percentile(99),
        wrong=figures.refused + figures.lost,
        cpu={who: seconds / count * 1e6 for who, seconds in cpu_seconds.items()},
        events_left=left.events if left else 0,
        settled_rate=count / (figures.seconds + left.seconds) if left else 0,
    )


def middle(results: Sequence[Result]) -> Result:
    """Return the median of each number; wrong answers are added up."""
    names = results[0].cpu
    return Result(
        rate=median(each.rate for each in results),
        p50=median(each.p50 for each in results),
        p99=median(each.p99 for each in results),
        wrong=sum(each.wrong for each in results),
        cpu={name: median(each.cpu[name] for each in results) for name in names},
        events_left=median(each.events_left for each in results),
        settled_rate=median(each.settled_rate for each in results),
    )


def line(name: str, found: Result) -> str:
    """Write one result as a row."""
    costs = " + ".join(f"{who} {cost:.0f}" for who, cost in found.cpu.items() if cost >= _LEAST_MICROSECONDS)
    wrong = f"  WRONG {found.wrong}" if found.wrong else ""
    if found.settled_rate:
        costs += f"; {found.events_left:.0f} events left, {found.settled_rate:.0f}/s until they had their effect"
    return f"  {name:14} {found.rate:8.0f}/s  p50 {found.p50:7.2f} ms  p99 {found.p99:7.2f} ms  {costs}{wrong}"


def ratios(scenario: Scenario, found: Mapping[str, Sequence[Result]]) -> list[str]:
    """Write the service's rate over each yardstick's, round by round, with the median and the verdict on a goal."""
    rows = []
    for name, results in found.items():
        if name == SERVICE:
            continue
        service = [own.settled_rate if scenario.settled else own.rate for own in found[SERVICE]]
        each = [ours / theirs.rate for ours, theirs in zip(service, results, strict=True)]
        listed = " ".join(f"{ratio:.3g}" for ratio in each)
        goal = scenario.goals.get(name)
        ending = "" if goal is None else f"; goal {goal:g}: {verdict(median(each), goal)}"
        rows.append(f"  {SERVICE} / {name:14} {median(each):6.3g}  ({listed}){ending}")
    return rows


def verdict(ratio: float, goal: float) -> str:
    """Return what a ratio says about its goal: within a quarter of it, noise may have decided."""
    if abs(ratio / goal - 1) <= UNDECIDED:
        return "undecided"
    return "reached" if ratio > goal else "missed"
