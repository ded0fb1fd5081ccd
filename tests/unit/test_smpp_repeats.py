"""What is noted of inbound messages, so that the same again is known: SMPP gives them no ids."""

import asyncio

import pytest

from services.delivery.carriers.smpp import repeats
from services.delivery.carriers.smpp.repeats import Repeats
from shared.contract.faults import Away
from shared.postgres.errors import DatabaseAway
from tests.unit.carrier_place import Unheard
from tests.unit.smpp_peer import SmppPeer, deliver
from tests.unit.smpp_scene import Kept, smpp_carrier, until_open


class _Link:
    def __init__(self, name: str = "link") -> None:
        self.name = name
        self.ended = asyncio.Event()


@pytest.fixture
def heard() -> Unheard:
    return Unheard()


async def _until(heard: Unheard, count: int) -> list[tuple[str, ...]]:
    async with asyncio.timeout(5):
        while len(heard.told) < count:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)
    return heard.told


async def test_an_answer_is_noted_when_its_link_is_still_there_a_moment_later(heard: Unheard) -> None:
    seen, link = Repeats("one", heard), _Link()
    came = await seen.came(b"yes", link)
    seen.answered(came)
    await asyncio.sleep(0.3)
    # A worker that dies now notes nothing.
    assert [told[0] for told in heard.told] == ["came"]
    assert (await _until(heard, 2))[1] == ("kept", came.inbound_id)
    link.ended.set()
    await seen.close()
    assert heard.told[2:] == [("ended", "link")]


async def test_what_ends_with_its_link_is_noted_at_once(heard: Unheard) -> None:
    seen, link = Repeats("one", heard), _Link()
    for said in (b"yes", b"no"):
        seen.answered(await seen.came(said, link))
    link.ended.set()
    async with asyncio.timeout(0.5):
        await seen.close()
    assert sorted(told[0] for told in heard.told[2:]) == ["ended", "kept", "kept"]


async def test_what_is_refused_is_noted_before_the_carrier_knows(heard: Unheard) -> None:
    seen = Repeats("one", heard)
    came = await seen.came(b"yes", _Link())
    await seen.refused(came)
    assert heard.told[1:] == [("refused", came.inbound_id)]
    heard.errors = [DatabaseAway("not now")]
    await seen.refused(came)


async def test_the_same_is_known_by_what_it_says_and_its_carrier(heard: Unheard) -> None:
    seen = Repeats("one", heard)
    for said in (b"yes", b"yes", b"no"):
        await seen.came(said, _Link())
    first, second, third = ([*told[1:3]] for told in heard.told)
    assert first == second != third
    assert first[0] == "one"
    assert "yes" not in first[1]


async def test_what_cannot_be_noted_is_noted_later(heard: Unheard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "_RETRY_SECONDS", 0.01)
    seen, link = Repeats("one", heard), _Link()
    seen.answered(await seen.came(b"yes", link))
    heard.errors = [DatabaseAway("not now") for _ in range(4)]
    link.ended.set()
    await seen.close()
    assert sorted(told[0] for told in heard.told) == ["came", "ended", "kept"]
    heard.errors = [DatabaseAway("not now") for _ in range(99)]
    with pytest.raises(DatabaseAway):
        await seen.came(b"yes", link)


async def test_a_carrier_notes_what_it_answers(peer: SmppPeer, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Unheard()
    monkeypatch.setattr("tests.unit.smpp_scene.Unheard", lambda: heard)
    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        kept.errors = [Away("not now")]
        assert (await peer.bound[0].deliver(deliver(b"yes", 1))).status == 0x08
        assert (await peer.bound[0].deliver(deliver(b"yes", 2))).status == 0
    came, refused, again, *rest = heard.told
    assert (came, refused) == (again, ("refused", "id-1"))
    assert sorted(rest) == [("ended", came[3]), ("kept", "id-2")]
