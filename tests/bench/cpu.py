"""CPU time of processes and all their descendants, from /proc."""

import os
from collections.abc import Mapping
from pathlib import Path

_TICK = 1 / os.sysconf("SC_CLK_TCK")


def cpu_seconds(roots: Mapping[str, int]) -> dict[str, float]:
    """Return the seconds of CPU that each named process has used so far, with all its descendants, ended ones too."""
    stats = _stats()
    children: dict[int, list[int]] = {}
    for pid, (parent, _) in stats.items():
        children.setdefault(parent, []).append(pid)
    return {name: _sum(pid, stats, children) for name, pid in roots.items()}


def _sum(pid: int, stats: Mapping[int, tuple[int, float]], children: Mapping[int, list[int]]) -> float:
    own = stats[pid][1] if pid in stats else 0.0
    return own + sum(_sum(child, stats, children) for child in children.get(pid, []))


def _stats() -> dict[int, tuple[int, float]]:
    found: dict[int, tuple[int, float]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it ended while we looked
            continue
        found[int(path.parent.name)] = (int(fields[1]), sum(map(int, fields[11:15])) * _TICK)
    return found
