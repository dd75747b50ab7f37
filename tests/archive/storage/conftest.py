"""Storage in a directory."""

from pathlib import Path

import pytest

from archive.storage.local import LocalStorage


@pytest.fixture
def store(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "storage")


@pytest.fixture
async def marked(store: LocalStorage) -> LocalStorage:
    """A storage that knows what it is."""
    await store.mark("an-id")
    store.id = "an-id"
    return store
