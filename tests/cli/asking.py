"""What tests of the asking commands share: workflows at the stand-in, and in the archive."""

import asyncio
import json
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from archive import settings
from sandbox.server import Sandbox
from tests import working
from tests.cli import commands
from tests.sandbox import consumers
from tests.worker import rows

Document = dict[str, Any]


async def ran(sandbox: Sandbox, step_type: str = "imageGen", wishes: Document | None = None, **play: Any) -> Document:
    """A workflow that has ended at the stand-in."""
    async with consumers.of(sandbox) as consumer:
        return await consumer.run(step_type, wishes, **play)


async def archived(engine: AsyncEngine, config: settings.Settings, *workflow_ids: str) -> None:
    """Have the worker archive them, as after their last callback."""
    for workflow_id in workflow_ids:
        await rows.tell(engine, workflow_id)

    async def all_archived() -> bool:
        return await rows.archived(engine, len(workflow_ids))

    async with working.worker(config):
        await working.eventually(all_archived, what="that all is archived")


async def all_of(*asked: tuple[str, ...], environment: dict[str, str]) -> list[commands.Done]:
    """Run these commands side by side."""
    return list(await asyncio.gather(*(commands.run(*words, environment=environment) for words in asked)))


def documents(done: commands.Done) -> list[Document]:
    """The JSON Lines that a command printed."""
    assert done.code == 0, done.err
    return [json.loads(line) for line in done.out.splitlines()]


async def strike(sandbox: Sandbox, **faults: Any) -> None:
    """Have these faults strike from now on."""
    async with consumers.of(sandbox) as consumer:
        assert (await consumer.api.post("/sandbox/faults", json={"faults": faults})).is_success
