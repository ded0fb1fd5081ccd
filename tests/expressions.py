"""The expressions of alert rules and dashboards, and what they name."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

DEPLOY = Path(__file__).parents[1] / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yaml"
DASHBOARDS = tuple(sorted((DEPLOY / "grafana").glob("*.json")))

_SELECTOR = re.compile(r"\b(usermessage_\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
_GROUPING = re.compile(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)")


class Matcher(NamedTuple):
    """A condition on a label."""

    label: str
    operator: str
    value: str


class Expression(NamedTuple):
    """An expression, and where it stands."""

    where: str
    text: str

    @property
    def selectors(self) -> list[tuple[str, list[Matcher]]]:
        """Return the series of ours that it names, each with its matchers."""
        return [
            (name, [Matcher(*each) for each in _MATCHER.findall(inner)]) for name, inner in _SELECTOR.findall(self.text)
        ]

    @property
    def groupings(self) -> set[str]:
        """Return the labels that it groups or joins by."""
        return {label.strip() for inner in _GROUPING.findall(self.text) for label in inner.split(",")} - {""}


def alerts() -> list[Mapping[str, Any]]:
    """Return the alert rules."""
    document = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def dashboard(path: Path) -> dict[str, Any]:
    """Read a dashboard."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def panels(path: Path) -> list[dict[str, Any]]:
    """Return the panels of a dashboard, without its headings."""
    return [panel for panel in dashboard(path)["panels"] if panel["type"] != "row"]


@cache
def expressions() -> tuple[Expression, ...]:
    """Return every expression of ours."""
    return (*(Expression(rule["alert"], rule["expr"]) for rule in alerts()), *_of_dashboards())


def _of_dashboards() -> Iterator[Expression]:
    for path in DASHBOARDS:
        for panel in panels(path):
            for target in panel["targets"]:
                text = target["expr"].replace("$__rate_interval", "5m")
                yield Expression(f"{path.stem}: {panel['title']}", text)
