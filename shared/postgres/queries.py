"""Named queries: one `.sql` file each, named by its stem."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

Queries = Mapping[str, str]


def load_queries(folder: Path) -> Queries:
    """Read every `.sql` file of the folder; raise `FileNotFoundError` when there is none."""
    found = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql"))}
    if not found:
        raise FileNotFoundError(f"no .sql files in {folder}")
    return MappingProxyType(found)
