from collections.abc import AsyncIterator

import pytest

from sandbox.server import Sandbox
from tests.sandbox import consumers, receivers


@pytest.fixture
async def consumer(sandbox: Sandbox) -> AsyncIterator[consumers.Consumer]:
    async with consumers.of(sandbox) as consumer:
        yield consumer


@pytest.fixture
async def callee() -> AsyncIterator[receivers.Receiver]:
    """Where callbacks go."""
    async with receivers.serving_one() as receiver:
        yield receiver
