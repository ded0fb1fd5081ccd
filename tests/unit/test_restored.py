"""What came back from a backup is touched only when the index can follow, and a failure says what is left."""

from contextlib import nullcontext
from typing import Any, NoReturn

import pytest

from services.cli import restored
from services.delivery import commands as delivery
from services.search import commands as search
from shared.command_line import CommandFailed

_AWAY = "the index did not do it: it is away"


async def _away(*_given: object) -> NoReturn:
    raise CommandFailed(_AWAY)


async def _none_connected(*_given: object) -> list[str]:
    return []


def _rebuild_fails() -> NoReturn:
    raise CommandFailed(_AWAY)


async def test_nothing_is_done_while_the_index_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restored, "opened_database", lambda *_given, **_named: nullcontext())
    monkeypatch.setattr(restored, "connected_roles", _none_connected)
    monkeypatch.setattr(search, "probe_index", _away)
    touched: list[Any] = []
    monkeypatch.setattr(delivery, "restored_deliveries", touched.append)
    settings: Any = type("Settings", (), {"database_url": ""})
    with pytest.raises(CommandFailed, match="it is away"):
        await restored._restored(settings, send_again=False)  # noqa: SLF001
    assert not touched


def test_a_rebuild_that_fails_leaves_only_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(restored, "run", lambda _work: {"failed": 3})
    monkeypatch.setattr(search, "rebuild_index", _rebuild_fails)
    with pytest.raises(CommandFailed, match="only `usermessage search rebuild` is left"):
        restored.restored()
    assert capsys.readouterr().out == "failed  3\n"
