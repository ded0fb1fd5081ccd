"""Migrations as files: names, order, phases and the oldest code they allow."""

from pathlib import Path

import pytest

from shared.postgres.migrate import MIGRATIONS
from shared.postgres.migration_files import MigrationError, Phase, find_migrations, version_key


def test_files_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "0010_later.after.sql").write_text("-- oldest-code: 1.10.0\nselect 1")
    (tmp_path / "0002_sooner.before.sql").write_text("select 2")
    sooner, later = find_migrations(tmp_path)
    assert (str(sooner), sooner.phase, sooner.oldest_code) == ("0002_sooner.before", Phase.BEFORE, None)
    assert (str(later), later.phase, later.oldest_code) == ("0010_later.after", Phase.AFTER, "1.10.0")


@pytest.mark.parametrize("name", ["1_short.before.sql", "0001_x.sql", "0001_x.during.sql", "0001_X.before.sql"])
def test_other_names_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("select 1")
    with pytest.raises(MigrationError, match="not a migration's name"):
        find_migrations(tmp_path)


def test_one_number_stands_for_one_migration(tmp_path: Path) -> None:
    (tmp_path / "0001_a.before.sql").write_text("select 1")
    (tmp_path / "0001_b.after.sql").write_text("select 1")
    with pytest.raises(MigrationError, match="one number"):
        find_migrations(tmp_path)


def test_own_migrations_have_numbers_without_gaps() -> None:
    numbers = [migration.number for migration in find_migrations(MIGRATIONS)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers


def test_versions_compare_as_numbers() -> None:
    assert version_key("1.10.0") > version_key("1.9.9")
