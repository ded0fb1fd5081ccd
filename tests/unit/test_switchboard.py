"""The switchboard: a file that is read again changes what changed, and nothing when it is wrong."""

import asyncio
import logging
import os
import signal
from pathlib import Path

import pytest

from services.delivery import switchboard as switchboards
from services.delivery.carrier_file import CarrierFileError
from services.delivery.carriers.carrier import Accepted, Submission
from services.delivery.carriers.console import Console
from services.delivery.carriers.kinds import KINDS
from services.delivery.carriers.options import Options
from services.delivery.carriers.place import Place
from services.delivery.switchboard import Switchboard, switchboard
from tests.free_leases import FreeLeases
from tests.unit.carrier_place import Nobody, References, Unheard
from tests.unit.carrier_server import CarrierServer

ONE = '[carriers.one]\nkind = "console"\n'
TWO = '[carriers.two]\nkind = "console"\nsender = "Firm"\n'
HTTP = '[carriers.two]\nkind = "http"\nurl = "{}"\n[carriers.two.answer]\nstatuses = {{ 404 = "temporary" }}\n'
ROUTE = '[[routes]]\ncarriers = ["one"]\n'
SUBMISSION = Submission(1, 2, 3, "436990000001", "436990000002", "a text", 0, 4_000_000_000_000)


def write(path: Path, text: str) -> None:
    path.write_text(text)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "carriers.toml"
    write(path, ONE + TWO + ROUTE)
    return path


async def test_what_did_not_change_goes_on_as_it_is(file: Path) -> None:
    board = Switchboard(file, Nobody(), References(), FreeLeases(), Unheard())
    one, two = board.carrier("one"), board.carrier("two")
    write(file, ONE + TWO.replace("Firm", "Other") + ROUTE)
    board.reload()
    assert board.carrier("one") is one
    assert board.carrier("two") is not two
    await board.close()


async def test_an_unchanged_http_carrier_keeps_its_connections(file: Path) -> None:
    write(file, ONE + HTTP.format("http://127.0.0.1:1/") + ROUTE)
    board = Switchboard(file, Nobody(), References(), FreeLeases(), Unheard())
    two = board.carrier("two")
    board.reload()
    assert board.carrier("two") is two
    write(file, 'public_url = "https://sms.example"\n' + ONE + HTTP.format("http://127.0.0.1:1/") + ROUTE)
    board.reload()
    assert board.carrier("two") is not two
    await board.close()


async def test_carriers_come_and_go(file: Path) -> None:
    board = Switchboard(file, Nobody(), References(), FreeLeases(), Unheard())
    assert list(board.names) == ["one", "two"]
    assert board.sender("two", "436990000001") == "Firm"
    assert board.sender("one", "436990000001") == "436990000001"
    write(file, ONE + ROUTE)
    board.reload()
    assert list(board.names) == ["one"]
    assert board.carrier("two") is None
    assert board.sender("two", "436990000001") == "436990000001"
    await board.close()


async def test_a_file_with_an_error_changes_nothing(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    board = Switchboard(file, Nobody(), References(), FreeLeases(), Unheard())
    one = board.carrier("one")
    write(file, ONE + '[[routes]]\ncarriers = ["three"]\n')
    with caplog.at_level(logging.ERROR):
        board.reload()
    assert board.carrier("one") is one
    assert list(board.names) == ["one", "two"]
    assert [getattr(record, "errors", None) for record in caplog.records] == [["routes.1: there is no carrier 'three'"]]
    await board.close()


async def test_a_carrier_is_made_with_what_keeps_arrivals_and_names_jobs(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Place] = []

    def make(name: str, _: Options, place: Place) -> Console:
        made.append(place)
        return Console(name)

    monkeypatch.setattr(switchboards, "KINDS", {"console": KINDS["console"]._replace(make=make)})
    write(file, 'public_url = "https://sms.example/"\n' + ONE + ROUTE)
    its = Nobody(), References(), FreeLeases(), Unheard()
    await Switchboard(file, *its).close()
    assert made == [Place("https://sms.example/carriers/one/receipt", *its)]


async def test_what_is_under_way_is_finished_by_the_carrier_that_went(file: Path) -> None:
    server = CarrierServer()
    async with server.serving():
        server.answers(202)
        write(file, ONE + HTTP.format(server.url) + ROUTE)
        board = Switchboard(file, Nobody(), References(), FreeLeases(), Unheard())
        two = board.carrier("two")
        assert two is not None
        sending = asyncio.create_task(two.submit(SUBMISSION))
        await asyncio.sleep(0)
        write(file, ONE + ROUTE)
        board.reload()
        await board.close()
        assert sending.done()
        assert await sending == Accepted(())


async def test_a_signal_reads_the_file_again(file: Path) -> None:
    async with switchboard(file, Nobody(), References(), FreeLeases(), Unheard()) as board:
        write(file, ONE + ROUTE)
        os.kill(os.getpid(), signal.SIGHUP)
        async with asyncio.timeout(5):
            while list(board.names) != ["one"]:  # noqa: ASYNC110 - a signal sets no event
                await asyncio.sleep(0.01)


async def test_without_a_file_there_is_no_carrier() -> None:
    async with switchboard(None, Nobody(), References(), FreeLeases(), Unheard()) as board:
        board.reload()
        assert board.names == ()
        assert board.routes.choose("436990000002", "1", ()) is None


def test_it_does_not_begin_with_an_error(file: Path) -> None:
    write(file, "")
    with pytest.raises(CarrierFileError):
        Switchboard(file, Nobody(), References(), FreeLeases(), Unheard())
