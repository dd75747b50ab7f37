from collections.abc import AsyncIterator

import pytest

from sandbox.server import Sandbox
from tests.clients import javascript


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what needs the client where it cannot run, and say so in one line."""
    if why := javascript.missing():
        for item in items:
            if isinstance(item, pytest.Function) and "installed" in item.fixturenames:
                item.add_marker(pytest.mark.skip(reason=f"@civitai/client does not run: {why}"))


@pytest.fixture(scope="session")
def installed() -> None:
    """Civitai's JavaScript client is there."""
    javascript.install()


@pytest.fixture
async def client(installed: None, sandbox: Sandbox) -> AsyncIterator[javascript.Client]:
    """Civitai's JavaScript client, on a sandbox where nothing has happened yet."""
    del installed
    async with javascript.client(sandbox.api_url, sandbox.token) as client:
        yield client
