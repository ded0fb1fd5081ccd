"""What a started process tells at `/metrics`."""

from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from tests.running import Role


class MetricPage:
    """One look at the metrics of a process."""

    def __init__(self, role: Role) -> None:
        with urlopen(f"http://127.0.0.1:{role.health_port}/metrics") as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
        self.samples = [sample for family in families for sample in family.samples]

    def value(self, name: str, **labels: str) -> float | None:
        """Return the sum over the samples with these labels, among others; none where there is none."""
        found = [each.value for each in self.samples if each.name == name and labels.items() <= each.labels.items()]
        return sum(found) if found else None

    def more_than(self, before: "MetricPage", name: str, **labels: str) -> float:
        """Return by how much a value grew since an earlier look."""
        return (self.value(name, **labels) or 0) - (before.value(name, **labels) or 0)

    def values_of(self, label: str, name: str) -> set[str]:
        """Return what a label is in the samples of a name."""
        return {each.labels[label] for each in self.samples if each.name == name}
