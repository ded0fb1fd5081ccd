"""What alert rules, dashboards and documents name is what the code exports, with these labels and values."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.roles import ROLES
from services.delivery.carriers.carrier import Refusal
from shared.bus.topology import COMMAND_QUEUES, EVENT_QUEUES
from shared.contract.catalogue import OPERATIONS
from shared.contract.faults import Fault
from tests.exported import exported, series
from tests.expressions import DASHBOARDS, DEPLOY, Expression, dashboard, expressions, panels

# What Prometheus and the scrape configuration add to each series.
TARGET_LABELS = {"job", "instance", "role"}
VALUES = {
    "queue": {
        *(queue.name for queue in COMMAND_QUEUES),
        *(name for queue in EVENT_QUEUES for name in queue.arguments),
    },
    "operation": {operation.name for operation in OPERATIONS},
    "code": {"0", *(str(fault.value) for fault in Fault)},
    "role": {*ROLES},
    "outcome": {"accepted", "unknown", "notsent", *Refusal},
    "reason": {"full", "late", "nobody", "budget", "broker"},
    "error": {"DatabaseAway", "DatabaseTimeout", "LockTimeout"},
    "link": {"gateway publish"},
    "status": {"403", "503"},
}
# Volumes of compose begin like metrics.
VOLUMES = {f"usermessage_{name}" for name in yaml.safe_load((DEPLOY.parent / "compose.yaml").read_text())["volumes"]}
_NAME = re.compile(r"\busermessage_[a-z_]+[a-z]\b")

each_expression = pytest.mark.parametrize("expression", expressions(), ids=lambda each: each.where)


@each_expression
def test_every_series_is_exported_with_these_labels(expression: Expression) -> None:
    assert expression.selectors or "process_" in expression.text
    for name, matchers in expression.selectors:
        assert name in series()
        assert {matcher.label for matcher in matchers} <= series()[name] | TARGET_LABELS


@each_expression
def test_labels_that_it_groups_by_are_of_a_series_in_it(expression: Expression) -> None:
    labels = TARGET_LABELS.union(*(series()[name] for name, _ in expression.selectors))
    assert expression.groupings <= labels


@each_expression
def test_every_value_that_it_looks_for_may_occur(expression: Expression) -> None:
    for _, matchers in expression.selectors:
        for label, operator, value in matchers:
            pattern = value.replace("\\\\", "\\") if "~" in operator else re.escape(value)
            assert any(re.fullmatch(pattern, known) for known in VALUES[label]), (label, value)


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(DEPLOY.rglob("*")) if path.suffix in {".md", ".yaml", ".json"} and path.is_file()],
    ids=lambda path: str(path.relative_to(DEPLOY)),
)
def test_no_file_names_a_metric_that_is_not_there(path: Path) -> None:
    known = {*series(), *exported(), *VOLUMES}
    assert {*_NAME.findall(path.read_text(encoding="utf-8"))} <= known


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_legends_name_labels_of_their_series(path: Path) -> None:
    for panel in panels(path):
        for target in panel["targets"]:
            found = Expression("", target["expr"])
            labels = TARGET_LABELS.union(*(series()[name] for name, _ in found.selectors))
            assert {*re.findall(r"{{(\w+)}}", target["legendFormat"])} <= labels


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_have_ids_and_places_of_their_own(path: Path) -> None:
    everything: list[dict[str, Any]] = dashboard(path)["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in everything):
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        taken |= cells


def test_every_dashboard_has_a_name_of_its_own() -> None:
    assert {path.stem for path in DASHBOARDS} == {"overview", "workers", "delivery"}
    assert [dashboard(path)["uid"] for path in DASHBOARDS] == [f"usermessage-{path.stem}" for path in DASHBOARDS]


def test_every_metric_is_shown_somewhere() -> None:
    shown = {name for expression in expressions() for name, _ in expression.selectors}
    hidden = {name for name, metric in exported().items() if not shown & _all_names(name, metric.kind)}
    assert hidden == set()


def _all_names(name: str, kind: str) -> set[str]:
    endings = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}[kind]
    return {name + ending for ending in endings}
