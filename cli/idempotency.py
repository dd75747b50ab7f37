"""The key by which Civitai knows a submission again (`externalId`), on disk from before the call until its answer.

It is kept for the very body and API that it was made for. Whoever runs the same command again after a time-out or a
crash sends the same key, and Civitai gives the workflow that it has. Once it has answered, the key is forgotten: the
same body again is meant as another workflow.
"""

import contextlib
import hashlib
import json
import os
import re
import uuid
from pathlib import Path

from archive import durable
from orchestration.wire import JsonObject

WORTHY = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
"""What Civitai takes for a key."""


class Key:
    """The key of one body, in a folder of keys that have not been answered."""

    def __init__(self, folder: Path, api_url: str, body: JsonObject) -> None:
        """Take the one that an unanswered try has left, or make one and have it on disk."""
        same = json.dumps([api_url, body], sort_keys=True).encode("utf-8", "surrogatepass")
        self._path = folder / f"{hashlib.sha256(same).hexdigest()}.key"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.value = self._left_behind() or self._made()

    def forget(self) -> None:
        """Civitai has answered."""
        self._path.unlink(missing_ok=True)

    def _left_behind(self) -> str | None:
        with contextlib.suppress(FileNotFoundError):
            told = self._path.read_text(encoding="ascii", errors="replace")
            if WORTHY.fullmatch(told):
                return told
            self._path.unlink()
        return None

    def _made(self) -> str:
        made = f"civitai-archive-{uuid.uuid4()}"
        beside = self._path.with_suffix(f".{made}")
        try:
            with beside.open("x", encoding="ascii") as file:
                file.write(made)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(beside, self._path)  # whole, and only if nobody else was first
            except FileExistsError:
                return self._left_behind() or made
        finally:
            beside.unlink(missing_ok=True)
        durable.sync_directory(self._path.parent)
        return made
