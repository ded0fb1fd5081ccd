"""What each role exports at `/metrics`, from its code: a process of its own imports the role and tells."""

import json
import subprocess
import sys
from functools import cache
from typing import NamedTuple

from deploy.local.roles import ROLES

_TELL = """
import importlib, json, sys
from prometheus_client import REGISTRY
importlib.import_module(f"services.{sys.argv[1]}.app")
importlib.import_module("shared.process")
found = {id(each): each for each in REGISTRY._names_to_collectors.values()}
print(json.dumps([
    [each._name, each._type, each._labelnames, each._documentation] for each in found.values() if hasattr(each, "_name")
]))
"""
_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}


class Metric(NamedTuple):
    """A metric as the code defines it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str

    @property
    def full_name(self) -> str:
        """Return the name that people ask for; a histogram has several."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


@cache
def exported() -> dict[str, Metric]:
    """Return all metrics by name."""
    found: dict[str, Metric] = {}
    for role in ROLES:
        told = subprocess.run([sys.executable, "-c", _TELL, role], capture_output=True, text=True, check=True).stdout
        for name, kind, labels, meaning in json.loads(told):
            found[name] = Metric(name, kind, tuple(labels), meaning)
    return found


@cache
def series() -> dict[str, frozenset[str]]:
    """Return the labels of each series that expressions may name."""
    named: dict[str, frozenset[str]] = {}
    for metric in exported().values():
        for suffix in _SUFFIXES[metric.kind]:
            labels = {*metric.labels, "le"} if suffix == "_bucket" else metric.labels
            named[metric.name + suffix] = frozenset(labels)
    return named
