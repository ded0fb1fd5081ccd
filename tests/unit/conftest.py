"""What tests of SMPP sessions stand on."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.smpp_peer import SmppPeer, smpp_peer
from tests.unit.smpp_scene import Kept


@pytest.fixture
async def peer() -> AsyncIterator[SmppPeer]:
    async with smpp_peer() as found:
        yield found


@pytest.fixture
def kept() -> Kept:
    return Kept()
