"""Alert rules and expressions of dashboards are ones that Prometheus takes, and alerts fire when they should."""

import re
from pathlib import Path

import pytest
import yaml

from tests.expressions import DEPLOY, Expression, alerts, expressions
from tests.promtool import promtool

CASES = Path(__file__).with_name("alert_cases.yaml")
DOCUMENT = DEPLOY / "README.md"


def test_prometheus_takes_the_configuration_and_the_rules() -> None:
    promtool("check", "config", DEPLOY / "prometheus" / "prometheus.yaml")


def test_prometheus_takes_the_expressions_of_dashboards(tmp_path: Path) -> None:
    rules = [{"record": f"expression:{n}", "expr": each.text} for n, each in enumerate(expressions())]
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}))
    promtool("check", "rules", path)


def test_alerts_fire_when_they_should_and_else_not() -> None:
    promtool("test", "rules", CASES)


def test_every_alert_has_a_case() -> None:
    cases = yaml.safe_load(CASES.read_text(encoding="utf-8"))["tests"]
    tried = {check["alertname"] for case in cases for check in case["alert_rule_test"] if check.get("exp_alerts")}
    assert tried == {rule["alert"] for rule in alerts()}


def test_every_alert_is_in_the_table_of_failure_modes() -> None:
    section = DOCUMENT.read_text(encoding="utf-8").partition("\n## Failure modes\n")[2].partition("\n## ")[0]
    columns = [line.split(" | ") for line in section.splitlines() if line.startswith("| ")]
    named = {name for column in columns for name in re.findall(r"`([A-Z][A-Za-z]+)`", column[2])}
    assert named == {rule["alert"] for rule in alerts()}


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_names_labels_that_it_has(rule: dict[str, dict[str, str]]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"]["runbook_url"] == "deploy/README.md#failure-modes"
    used = {*re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])}
    expression = Expression("", str(rule["expr"]))
    kept = expression.groupings if " by (" in expression.text else {"instance", "link", "role"}
    assert used <= kept
