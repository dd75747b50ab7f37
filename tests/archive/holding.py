"""An archive that holds something, for the commands that work on what is kept."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import objects, results, settings, settling
from archive.media.contents import Facts
from archive.storage import Storage, opening
from tests.archive import stores
from tests.archive.factories import found, told, workflow_event
from worker import recognise_storage

WORKFLOWS = {
    "w1": ("2026-01-01T12:00:00Z", "alpha", "a cat", (b"cat", b"dog")),
    "w2": ("2026-01-02T12:00:00Z", "beta", "a fox", (b"fox", b"cat")),
}
"""id → creation, tag, prompt, contents."""

_SAVE = """
    UPDATE workflows SET document = cast(:document AS jsonb), tags = :tags, archived_at = now(), due_at = NULL,
        created_at = cast(cast(:created_at AS text) AS timestamptz)
    WHERE id = :id
"""


@dataclass(frozen=True)
class Held:
    """The environment of its commands, and its storage, if that is a directory."""

    environment: dict[str, str]
    storage: Path

    def browse(self) -> dict[str, bytes]:
        return stores.files(self.storage / "browse")


def digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


async def held(engine: AsyncEngine, environment: dict[str, str], storage: Path) -> Held:
    """Two archived workflows, w1 (tag alpha: cat, dog) and w2 (tag beta: fox, cat)."""
    environment = {"STORAGE_URL": storage.as_uri()} | environment
    store = opening.open_storage(settings.read(environment))
    await recognise_storage.recognise(engine, store)
    for workflow_id in WORKFLOWS:
        await hold(engine, store, workflow_id)
    return Held(environment, storage)


async def hold(engine: AsyncEngine, store: Storage, workflow_id: str) -> None:
    """Archive one of them."""
    created_at, tag, prompt, contents = WORKFLOWS[workflow_id]
    steps = [{"name": "step", "input": {"prompt": prompt}}]
    document = {"id": workflow_id, "createdAt": created_at, "tags": [tag], "steps": steps}
    await told(engine, workflow_event(workflow_id, "succeeded"))
    digests = [await stores.keep(store, content) for content in contents]
    async with engine.begin() as connection:
        facts = {"document": json.dumps(document), "tags": [tag], "created_at": created_at}
        await connection.execute(text(_SAVE), facts | {"id": workflow_id})
        await results.add(connection, workflow_id, [found(f"output.images[{n}]") for n in range(len(contents))])
        await objects.add(
            connection,
            {digest: Facts(len(content), "image/png") for digest, content in zip(digests, contents, strict=True)},
        )
        pending = await results.pending(connection, workflow_id)
        await settling.stored(connection, {each.id: digest for each, digest in zip(pending, digests, strict=True)})
