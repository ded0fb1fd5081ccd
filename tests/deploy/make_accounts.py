"""Make many accounts of one password, which is hashed once: the tests run this text within a container of accounts.

Its arguments are the first number, how many, the application, and the password.
"""

import asyncio
import json
import os
import sys

from services.accounts.administering import administering
from services.accounts.passwords import Passwords
from services.accounts.tokens import new_secret
from shared.settings import Settings


async def main(first: str, count: str, key_id: str, password: str) -> None:
    with Passwords(1) as passwords:
        hashed = await passwords.hashed(password)
    numbers = [str(int(first) + place) for place in range(int(count))]
    tokens = [new_secret() for _ in numbers]
    async with administering(Settings.from_environment(os.environ)) as administration:
        ids = await administration.create_accounts([(number, hashed) for number in numbers], tokens, int(key_id))
    rows = zip(ids, numbers, tokens, strict=True)
    sys.stdout.write(json.dumps([{"id": row[0], "msisdn": row[1], "auth_token": row[2]} for row in rows]))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
