"""Storages of both kinds."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from archive.storage.local import LocalStorage
from tests.archive import stores
from tests.archive.stores import Place


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stores.S3Server]:
    with stores.s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(params=["file", "s3"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    if request.param == "file":
        root = tmp_path / "storage"
        yield Place(LocalStorage(root), root, root / "incoming")
    else:
        server: stores.S3Server = request.getfixturevalue("s3_server")
        store = server.storage(tmp_path.name, tmp_path)
        yield Place(store, server.directory / stores.BUCKET / tmp_path.name, tmp_path / "incoming")
