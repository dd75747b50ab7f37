from collections.abc import AsyncIterator

import pytest

from sandbox.server import Sandbox
from tests.clients import javascript
from tests.gateway.conftest import archive, gateway, key

__all__ = ["archive", "gateway", "key"]  # fixtures, of the gateway's tests


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what needs the client where it cannot run, and say so in one line."""
    if why := javascript.missing():
        for item in items:
            if isinstance(item, pytest.Function) and "installed" in item.fixturenames:
                item.add_marker(pytest.mark.skip(reason=f"clients of JavaScript do not run: {why}"))


@pytest.fixture(scope="session")
def installed() -> None:
    """Civitai's JavaScript client is there. Every test that needs Node.js asks for this."""
    javascript.install()


@pytest.fixture(params=["sandbox", "gateway"])
def door(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The address and the token of a sandbox where nothing has happened yet, or of a gateway before it."""
    if request.param == "gateway":
        return request.getfixturevalue("gateway"), request.getfixturevalue("key")
    sandbox: Sandbox = request.getfixturevalue("sandbox")
    return sandbox.api_url, sandbox.token


@pytest.fixture
async def client(installed: None, door: tuple[str, str]) -> AsyncIterator[javascript.Client]:
    """Civitai's JavaScript client, at either door."""
    del installed
    async with javascript.client(*door) as client:
        yield client
