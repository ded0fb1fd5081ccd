"""Pages in groups: the same as alone, the small ones at once, the large ones two at a time."""

import asyncio
from collections.abc import Sequence
from inspect import isawaitable
from typing import Any

from deploy.local.servers import Servers
from services.messages.handlers import Messages
from shared.contract.messages import UserMessageGetMessagesRequest
from shared.mailbox.pages import Page
from shared.mailbox.rules import PAGE_OCTETS
from shared.postgres.errors import DatabaseTimeout
from tests.integration.mailbox_rig import FRIEND, SHOP, TIMEOUT, Rig, accounts, context, message, shared_rig


async def _fill(rig: Rig, count: int, characters: int) -> Page:
    account = next(accounts)
    for _ in range(count // 10):
        await rig.insert(*[message(account, body="x" * characters)] * 10)
    return Page(account, FRIEND, 0, 100)


async def _together(rig: Rig, pages: Sequence[Page], timeout: float = TIMEOUT) -> list[Any]:  # noqa: ASYNC109 - given on
    return list(await rig.mailbox.messages_by_conversation(pages, timeout=timeout))


async def test_a_group_gives_what_each_gives_alone_and_the_small_ones_first(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        large, small = await _fill(rig, 100, 150_000), await _fill(rig, 10, 100)
        cut = Page(large.account_id, FRIEND, 0, 1_000)
        await rig.insert(*[message(large.account_id, body="x" * 150_000)] * 20)
        pages = [large, small, Page(small.account_id, SHOP, 0, 100), large._replace(skipped=90), cut, small]
        alone = [(await _together(rig, [page]))[0] for page in pages]
        assert [len(page) for page in alone] == [100, 10, 0, 30, 111, 10]
        found = await _together(rig, pages)
        assert [isawaitable(page) for page in found] == [True, False, False, True, True, False]
        assert [await page if isawaitable(page) else page for page in found] == alone


async def test_the_text_of_a_group_is_that_of_one_page(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        page = await _fill(rig, 10, 100_000)
        exact = PAGE_OCTETS // 16
        fits = next(accounts)
        await rig.insert(message(fits, body="x" * (exact - 1)))
        just = next(accounts)
        await rig.insert(message(just, body="x" * exact))
        group = [page, Page(fits, FRIEND, 0, 100), Page(just, FRIEND, 0, 100)] + [Page(fits, SHOP, 0, 1)] * 13
        found = await _together(rig, group)
        assert [isawaitable(each) for each in found[:3]] == [False, False, True]
        assert len(await found[2]) == 1


async def test_handlers_answer_large_pages_as_replies(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        large, small = await _fill(rig, 100, 150_000), await _fill(rig, 10, 100)
        requests = [
            (UserMessageGetMessagesRequest(address=FRIEND), context(page.account_id)) for page in (large, small, large)
        ]
        first, second, third = await Messages(rig.mailbox).get_by_conversation(requests)
        assert isinstance(second, dict)
        assert len(second["messages"]) == 10
        for late in (first, third):
            assert isawaitable(late)
            tree = await late
            assert isinstance(tree, dict)
            assert [entry["messageId"] for entry in tree["messages"]] == list(range(100, 0, -1))


async def test_large_pages_end_with_their_time(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        large = await _fill(rig, 20, 150_000)
        found = await _together(rig, [large] * 8, timeout=4.0)
        async with rig.database.transaction(timeout=TIMEOUT) as held:
            await held.execute("lock table message in access exclusive mode")
            waiting = [asyncio.ensure_future(page) for page in found]
            outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [DatabaseTimeout] * 8
