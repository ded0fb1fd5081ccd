"""What waits for a carrier that is away goes to another one of its route, and to nobody else's harm."""

import asyncio
from collections.abc import Collection

import pytest

from deploy.local.servers import Servers
from services.delivery.carriers.carrier import Accepted, NotSent, Outcome, Refusal, Refused, Submission
from tests.integration.delivery_rig import NUMBER, DeliveryRig, Scripted, delivery_rig

_SILENCE_SECONDS = 0.5
_GOES = [("queued", ""), ("queued", "first is away"), ("submitting", "second")]


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.delivery.diverting._LOOK_SECONDS", 0.1)
    monkeypatch.setattr("services.delivery.diverting._SILENCE_MS", round(1000 * _SILENCE_SECONDS))
    monkeypatch.setattr("services.delivery.diverting._REST_MS", round(2000 * _SILENCE_SECONDS))


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
    [NotSent("no connection"), Refused(Refusal.ACCOUNT, "no credit"), Refused(Refusal.SLOW_DOWN, "busy", 0.5)],
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
        choose = rig.scene.choose

        def only_first(number: str, sender: str, tried: Collection[str]) -> str | None:
            return choose(number, sender, {*tried, "second"} if number == NUMBER else tried)

        monkeypatch.setattr(rig.scene, "choose", only_first)
        account = await rig.account()
        stuck = [await rig.send(account) for _ in range(5)]
        message_id = await rig.send(account, recipient="436990000009")
        await rig.rig.rows("update delivery_job set due_at = delivery_now()")
        rig.scene.fallback_seconds = 0.3
        async with rig.worker().running():
            await rig.becomes(account, message_id, "accepted")
            for each in stuck:
                await rig.becomes(account, each, "waiting")
        assert len(second.got) == 1


async def test_others_get_what_they_can_take_soon_and_it_the_rest_when_it_is_back(servers: Servers) -> None:
    first, second = _closed("first"), Scripted("second", rate=5.0)
    async with delivery_rig(servers, first, second) as rig:
        rig.scene.fallback_seconds = 0.0
        async with rig.worker().running():
            keys = await _sent(rig, 40)
            await rig.becomes(*keys[0], "accepted")
            await asyncio.sleep(1)
            first.open = True
            for key in keys:
                await rig.becomes(*key, "accepted")
        assert len(first.got) + len(second.got) == 40
        assert 1 <= len(second.got) <= 20


async def test_accounts_have_their_turns(servers: Servers) -> None:
    first, second = _closed("first"), Scripted("second", rate=5.0)
    async with delivery_rig(servers, first, second) as rig:
        campaign = await _sent(rig, 40)
        (key,) = await _sent(rig, 1)
        rig.scene.fallback_seconds = 0.0
        async with rig.worker().running():
            await rig.becomes(*key, "accepted")
            assert len(second.got) < 10
            await rig.becomes(*campaign[-1], "waiting")


async def test_who_refused_a_message_does_not_get_it_back(servers: Servers) -> None:
    first, second = _closed("first"), Scripted("second", Refused(Refusal.TEMPORARY, "not now"))
    async with delivery_rig(servers, first, second) as rig:
        rig.scene.fallback_seconds = 0.0
        async with rig.worker().running():
            (key,) = await _sent(rig, 1)
            while not second.got:  # noqa: ASYNC110 - the carrier tells nobody
                await asyncio.sleep(0.02)
            await asyncio.sleep(4 * _SILENCE_SECONDS)
            assert (await rig.becomes(*key, "waiting"))["carrier"] == "first"
            first.open = True
            await rig.becomes(*key, "accepted")
        assert (len(first.got), len(second.got)) == (1, 1)


async def test_a_hold_of_long_ago_is_no_reason(servers: Servers) -> None:
    first, second = Scripted("first", NotSent("no connection"), Accepted(("one",)), rate=5.0), Scripted("second")
    async with delivery_rig(servers, first, second) as rig:
        rig.scene.fallback_seconds = 0.0
        async with rig.worker().running():
            (key,) = await _sent(rig, 1)
            await rig.becomes(*key, "accepted")
            assert (len(first.got), len(second.got)) == (1, 1)
            # Longer than its hold and the rest after it.
            await asyncio.sleep(1 + 4 * _SILENCE_SECONDS)
            keys = await _sent(rig, 4)
            for each in keys:
                await rig.becomes(*each, "accepted")
        assert (len(first.got), len(second.got)) == (5, 1)


async def test_a_hold_ends_with_the_carrier_that_it_was_of(servers: Servers) -> None:
    first, second = Scripted("first", Refused(Refusal.ACCOUNT, "no credit")), Scripted("second")
    async with delivery_rig(servers, first, second) as rig, rig.worker().running():
        (key,) = await _sent(rig, 1)
        await rig.becomes(*key, "accepted")
        assert await rig.store.away(["first", "second"], 0, 0) >= {"first"}
        rig.scene.carriers = {"first": Scripted("first"), "second": second}
        await asyncio.sleep(2 * _SILENCE_SECONDS)
        assert await rig.store.away(["first"], round(1000 * _SILENCE_SECONDS), 0) == set()


async def test_a_long_hold_after_it_took_something_is_one(servers: Servers) -> None:
    first, second = Scripted("first", Accepted(("one",)), Refused(Refusal.ACCOUNT, "no credit")), Scripted("second")
    async with delivery_rig(servers, first, second) as rig:
        rig.scene.fallback_seconds = 0.3
        async with rig.worker().running():
            for _ in range(2):
                (key,) = await _sent(rig, 1)
                await rig.becomes(*key, "accepted")
            for key in await _sent(rig, 5):
                await rig.becomes(*key, "accepted")
        assert (len(first.got), len(second.got)) == (2, 6)
