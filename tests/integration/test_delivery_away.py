"""What waits for a carrier that is away goes to another one of its route, and to nobody else's harm."""

import asyncio

import pytest

from deploy.local.servers import Servers
from services.delivery.carriers.carrier import Accepted, NotSent, Outcome, Refusal, Refused, Submission
from tests.integration.delivery_rig import DeliveryRig, Scripted, delivery_rig

_SILENCE_SECONDS = 0.5
_GOES = [("queued", ""), ("queued", "first is away"), ("submitting", "second")]


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.delivery.diverting._LOOK_SECONDS", 0.1)
    monkeypatch.setattr("services.delivery.diverting._SILENCE_MS", round(1000 * _SILENCE_SECONDS))


def _closed(name: str) -> Scripted:
    carrier = Scripted(name)
    carrier.open = False
    return carrier


async def _sent(rig: DeliveryRig, messages: int) -> list[tuple[int, int]]:
    account = await rig.account()
    # What is told of one number alone is no matter of the carrier.
    return [(account, await rig.send(account, recipient=f"4369900001{nth:02}")) for nth in range(messages)]


async def test_messages_of_a_carrier_that_is_not_open_go_to_the_next(servers: Servers) -> None:
    first, second = _closed("first"), Scripted("second")
    async with delivery_rig(servers, first, second) as rig:
        rig.scene.fallback_seconds = 0.3
        async with rig.worker().running():
            keys = await _sent(rig, 3)
            for key in keys:
                await rig.becomes(*key, "accepted")
                assert (await rig.happened(*key))[:3] == _GOES
            first.open = True
            await asyncio.sleep(2 * _SILENCE_SECONDS)
            (key,) = await _sent(rig, 1)
            await rig.becomes(*key, "accepted")
        assert (len(second.got), len(first.got)) == (3, 1)


async def test_they_stay_for_as_long_as_the_file_says(servers: Servers) -> None:
    first, second = _closed("first"), Scripted("second")
    async with delivery_rig(servers, first, second) as rig, rig.worker().running():
        (key,) = await _sent(rig, 1)
        await asyncio.sleep(4 * _SILENCE_SECONDS)
        await rig.becomes(*key, "waiting")
        first.open = True
        await rig.becomes(*key, "accepted")
        assert second.got == []


async def test_a_carrier_that_another_worker_has_open_is_not_away(servers: Servers) -> None:
    first, second = Scripted("first", rate=2.0), Scripted("second")
    async with delivery_rig(servers, first, second) as rig:
        rig.scene.fallback_seconds = 0.0
        elsewhere = {"first": _closed("first"), "second": second}
        other = DeliveryRig(rig.rig, type(rig.scene)(elsewhere, fallback_seconds=0.0), rig.settings)
        async with rig.worker().running(), other.worker().running():
            await asyncio.sleep(2 * _SILENCE_SECONDS)
            keys = await _sent(rig, 4)
            for key in keys:
                await rig.becomes(*key, "accepted")
        assert (len(first.got), second.got) == (4, [])


@pytest.mark.parametrize(
    "answer",
    [NotSent("no connection"), Refused(Refusal.ACCOUNT, "no credit"), Refused(Refusal.SLOW_DOWN, "busy", 2.0)],
)
async def test_messages_of_a_carrier_that_takes_nothing_go_to_the_next(servers: Servers, answer: Outcome) -> None:
    first, second = Scripted("first", answer, rate=10.0), Scripted("second")
    async with delivery_rig(servers, first, second) as rig:
        rig.scene.fallback_seconds = 0.3
        async with rig.worker().running():
            keys = await _sent(rig, 20)
            for key in keys:
                await rig.becomes(*key, "accepted")
        assert len({each.message_id for each in second.got}) == len(second.got) == 20
        assert len(first.got) < 10


async def test_a_carrier_that_only_wants_them_slower_keeps_its_messages(servers: Servers) -> None:
    first, second = Scripted("first"), Scripted("second")
    times = 0

    async def every_other(submission: Submission) -> Outcome:
        nonlocal times
        times += 1
        if times % 3 == 0:
            return Refused(Refusal.SLOW_DOWN, "busy", 0.2)
        return Accepted((f"first-{submission.job_id}-{times}",))

    first.answer = every_other
    first.window = 1
    async with delivery_rig(servers, first, second) as rig:
        rig.scene.fallback_seconds = 0.0
        async with rig.worker().running():
            await asyncio.sleep(2 * _SILENCE_SECONDS)
            keys = await _sent(rig, 20)
            for key in keys:
                await rig.becomes(*key, "accepted")
        assert second.got == []


async def test_where_all_are_away_messages_stay_and_their_timelines_say_nothing(servers: Servers) -> None:
    first, second = _closed("first"), _closed("second")
    async with delivery_rig(servers, first, second) as rig:
        rig.scene.fallback_seconds = 0.0
        async with rig.worker().running():
            (key,) = await _sent(rig, 1)
            await asyncio.sleep(4 * _SILENCE_SECONDS)
            assert await rig.happened(*key) == [("queued", "")]
            second.open = True
            await rig.becomes(*key, "accepted")
        assert (first.got, len(second.got)) == ([], 1)


async def test_those_that_no_other_carrier_takes_are_in_nobodys_way(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.delivery.diverting._MOST", 2)
    first, second = _closed("first"), Scripted("second")
    async with delivery_rig(servers, first, second) as rig:
        rig.scene.fallback_seconds = 0.3
        choose = rig.scene.choose
        only_first = "436990000009"
        monkeypatch.setattr(
            rig.scene, "choose",
            lambda number, sender, tried: (None if tried else "first") if number == only_first
            else choose(number, sender, tried),
        )  # fmt: skip
        async with rig.worker().running():
            account = await rig.account()
            stuck = [await rig.send(account, recipient=only_first) for _ in range(5)]
            keys = [*await _sent(rig, 1), (account, await rig.send(account))]
            for key in keys:
                await rig.becomes(*key, "accepted")
            for message_id in stuck:
                await rig.becomes(account, message_id, "waiting")
        assert len(second.got) == 2
