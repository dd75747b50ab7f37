from collections.abc import AsyncIterator

import pytest

from sandbox.server import Sandbox
from tests.sandbox import consumers, receivers


@pytest.fixture
async def consumer(sandbox: Sandbox) -> AsyncIterator[consumers.Consumer]:
    """On a sandbox where nothing has happened yet."""
    async with consumers.of(sandbox) as consumer:
        yield consumer


@pytest.fixture(scope="session")
async def shared() -> AsyncIterator[consumers.Consumer]:
    """One for all tests that look at nothing but their own workflows."""
    async with Sandbox(callback_retries=(0.05, 0.1, 0.2)) as sandbox, consumers.of(sandbox) as consumer:
        yield consumer


@pytest.fixture
async def callee() -> AsyncIterator[receivers.Receiver]:
    """Where callbacks go."""
    async with receivers.serving_one() as receiver:
        yield receiver
