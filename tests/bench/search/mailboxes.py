"""Mailboxes to search in: many of one size and one large one, of words as uneven as those of a language."""

import random
from collections.abc import Iterator, Sequence
from itertools import accumulate, count, islice, product
from typing import NamedTuple

import asyncpg

ACCOUNTS, MESSAGES, LARGE = 2_000, 100, 100_000
_ADDRESSES = 5
_WORDS, _LEAST, _MOST = 20_000, 4, 16
_SEED = 20
_AT_ONCE = 20_000
_SYLLABLES = [first + second for first, second in product("bdfghklmnprstvw", "aeiou")]
_FIRST_DATE = 1_700_000_000_000
_COLUMNS = {
    "mailbox": ("account_id", "last_message_id", "last_change_seq"),
    "conversation": (
        "account_id", "conversation_id", "address", "messages", "messages_unread", "messages_unsent", "max_message_id",
        "newest_message_id", "newest_date_sent", "snippet",
    ),
    "message": (
        "account_id", "message_id", "conversation_id", "change_seq", "date_sent", "origin", "status", "incoming",
        "read", "locked", "body",
    ),
}  # fmt: skip


class Text(NamedTuple):
    """A message of one of the accounts, counted from 0, of which the last one is the large one."""

    account: int
    address: str
    words: tuple[str, ...]


def vocabulary() -> list[str]:
    """Return different words of two to five syllables, the most frequent first."""
    dice = random.Random(_SEED)
    found: dict[str, None] = {}
    while len(found) < _WORDS:
        found["".join(dice.choices(_SYLLABLES, k=dice.randint(2, 5)))] = None
    return list(found)


def texts() -> Iterator[Text]:
    """Return all messages, account after account; the nth word is drawn n times more seldom than the first."""
    dice = random.Random(_SEED)
    words = vocabulary()
    weights = list(accumulate(1 / rank for rank in range(1, len(words) + 1)))
    for account in range(ACCOUNTS + 1):
        for nth in range(LARGE if account == ACCOUNTS else MESSAGES):
            body = dice.choices(words, cum_weights=weights, k=dice.randint(_LEAST, _MOST))
            yield Text(account, f"+43699000{nth % _ADDRESSES:04}", tuple(body))


async def fill(url: str, account_ids: Sequence[int]) -> list[Text]:
    """Empty all mailboxes and fill those of the accounts; return a sample of what they hold."""
    sample: list[Text] = []
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("truncate mailbox, conversation, message, outbox, search_document")
        sizes = [LARGE if place == ACCOUNTS else MESSAGES for place in range(ACCOUNTS + 1)]
        mailboxes = [(account_id, size, size) for account_id, size in zip(account_ids, sizes, strict=True)]
        await connection.copy_records_to_table("mailbox", records=mailboxes, columns=_COLUMNS["mailbox"])
        conversations = [row for each, size, _ in mailboxes for row in _conversations(each, size)]
        await connection.copy_records_to_table("conversation", records=conversations, columns=_COLUMNS["conversation"])
        ids = {account_id: count(1) for account_id in account_ids}
        left = texts()
        while part := list(islice(left, _AT_ONCE)):
            sample += part[::10]
            rows = [_message(account_ids[text.account], next(ids[account_ids[text.account]]), text) for text in part]
            await connection.copy_records_to_table("message", records=rows, columns=_COLUMNS["message"])
        for table in _COLUMNS:
            await connection.execute(f"vacuum analyze {table}")
        await connection.execute("checkpoint")
    finally:
        await connection.close()
    return sample


def _conversations(account_id: int, size: int) -> Iterator[tuple[object, ...]]:
    each = size // _ADDRESSES
    for nth in range(_ADDRESSES):
        last = size - _ADDRESSES + nth + 1
        yield account_id, nth + 1, f"+43699000{nth:04}", each, each, 0, last, last, _FIRST_DATE + last, "snippet"


def _message(account_id: int, message_id: int, text: Text) -> tuple[object, ...]:
    conversation = (message_id - 1) % _ADDRESSES + 1
    sent = _FIRST_DATE + message_id
    body = " ".join(text.words)
    return account_id, message_id, conversation, message_id, sent, 0, 0, True, False, False, body
