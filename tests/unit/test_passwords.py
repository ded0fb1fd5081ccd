"""Passwords: the parameters that are stored, and what counts as the right one."""

import pytest

from services.accounts.passwords import Passwords


async def test_hash_says_argon2id_with_19_mib_two_passes_and_one_lane() -> None:
    with Passwords() as passwords:
        hashed = await passwords.hashed("correct horse")
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_same_password_is_hashed_with_another_salt_each_time() -> None:
    with Passwords() as passwords:
        assert await passwords.hashed("correct horse") != await passwords.hashed("correct horse")


@pytest.mark.parametrize("wrong", ["Correct horse", "correct horse ", " correct horse", "", "correct\u00a0horse"])
async def test_only_the_very_same_text_is_right(wrong: str) -> None:
    with Passwords() as passwords:
        hashed = await passwords.hashed("correct horse")
        assert await passwords.right("correct horse", hashed)
        assert not await passwords.right(wrong, hashed)
