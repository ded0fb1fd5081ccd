"""`usermessage accounts import`: many accounts from JSON lines."""

import asyncio
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from services.accounts.administering import WithToken, administering, msisdn
from services.accounts.administration import Administration
from services.accounts.passwords import Passwords
from services.accounts.tokens import new_secret
from shared.command_line import AsJson, CommandFailed, run, show
from shared.settings import Settings

# Each part is stored and printed before the next, so an import that breaks off has told what it did.
_PART = 500

_Person = tuple[str, str]


def import_all(
    *,
    with_token: WithToken = 0,
    as_json: AsJson = False,
) -> None:
    """Create accounts from JSON lines {"msisdn", "password"}; prints {"id", "msisdn", "auth_token"} for each.

    500 at a time, all of these or none. The output is JSON lines in any case.
    """
    del as_json

    async def work(settings: Settings) -> None:
        people = _people(sys.stdin)
        with Passwords(os.cpu_count() or 1) as passwords:
            async with administering(settings) as administration:
                if with_token:
                    await administration.require_key(with_token)
                while part := list(islice(people, _PART)):
                    await _store(administration, passwords, part, with_token)

    run(work)


async def _store(administration: Administration, passwords: Passwords, people: Sequence[_Person], key_id: int) -> None:
    hashes = await asyncio.gather(*(passwords.hashed(password) for _, password in people))
    numbers = [number for number, _ in people]
    tokens = [new_secret() for _ in people] if key_id else []
    ids = await administration.create_accounts(list(zip(numbers, hashes, strict=True)), tokens, key_id)
    for place, (account_id, number) in enumerate(zip(ids, numbers, strict=True)):
        token = {"auth_token": tokens[place]} if tokens else {}
        show({"id": account_id, "msisdn": number} | token, as_json=True)


def _people(lines: Iterable[str]) -> Iterator[_Person]:
    for place, line in enumerate(lines, start=1):
        if line.strip():
            yield _person(place, line)


def _person(place: int, line: str) -> _Person:
    try:
        document = json.loads(line)
        number, password = msisdn(str(document["msisdn"])), document["password"]
    except (ValueError, KeyError, TypeError, CommandFailed):
        raise CommandFailed(f"line {place} has no usable msisdn and password") from None
    if not isinstance(password, str) or not password or "\0" in password:
        raise CommandFailed(f"line {place} has no usable password")
    return number, password
