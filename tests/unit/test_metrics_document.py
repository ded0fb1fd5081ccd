"""The table of metrics in deploy/README.md is what the code exports."""

from pathlib import Path

from tests.exported import Metric, exported

DOCUMENT = Path(__file__).parents[2] / "deploy" / "README.md"


def row(metric: Metric) -> str:
    """Return how the table has a metric."""
    labels = f"{{{','.join(metric.labels)}}}" if metric.labels else ""
    return f"| `{metric.full_name}{labels}` | {metric.kind} | {metric.meaning} |"


def test_every_metric_is_documented_and_nothing_else() -> None:
    lines = DOCUMENT.read_text().splitlines()
    documented = [line for line in lines if line.startswith("| `usermessage_") and line.count("|") == 4]
    assert documented == sorted(row(metric) for metric in exported().values())


def test_every_name_has_the_prefix_and_no_label_names_a_caller() -> None:
    for metric in exported().values():
        assert metric.name.startswith("usermessage_")
        assert not {"account", "application", "address", "number", "message", "device"} & {*metric.labels}
