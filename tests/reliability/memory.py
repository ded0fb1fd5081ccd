"""The memory of a process."""

from pathlib import Path


def resident_bytes(pid: int) -> int:
    """Return how much of the process is in memory."""
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(row.split()[1]) * 1024 for row in rows if row.startswith("VmRSS:"))
