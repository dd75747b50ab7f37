"""What changes a workflow at Civitai. Each says what was done, on standard error; nothing is printed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from cli import account, given, printing
from orchestration.client import Client


def cancel(workflow_id: str, *, delete: bool) -> None:
    """Cancel it; with `delete` have Civitai forget it altogether."""
    if delete:
        _do(
            lambda civitai: civitai.delete(workflow_id),
            f"{workflow_id} is deleted at Civitai; the archive keeps what it has.",
        )
    else:
        _do(lambda civitai: civitai.update(workflow_id, {"status": "canceled"}), f"{workflow_id} is canceled.")


def tag(workflow_id: str, tags: Sequence[str]) -> None:
    """Give it these tags."""

    async def add(civitai: Client) -> None:
        for each in tags:
            await civitai.add_tag(workflow_id, each)

    _do(add, f"{workflow_id} is tagged {', '.join(tags)}.")


def untag(workflow_id: str, tags: Sequence[str]) -> None:
    """Take these tags from it."""

    async def remove(civitai: Client) -> None:
        for each in tags:
            await civitai.remove_tag(workflow_id, each)

    _do(remove, f"{workflow_id} is no longer tagged {', '.join(tags)}.")


def update(workflow_id: str, source: str) -> None:
    """Put the fields that a file or standard input names."""
    changes = given.an_object(source)
    _do(lambda civitai: civitai.update(workflow_id, changes), f"{workflow_id} is updated.")


def patch(workflow_id: str, source: str) -> None:
    """Apply the JSON Patch in a file or on standard input."""
    operations = given.operations(source)
    _do(lambda civitai: civitai.patch(workflow_id, operations), f"{workflow_id} is patched.")


def _do(change: Callable[[Client], Awaitable[None]], done: str) -> None:
    config = account.read_settings()

    async def ask() -> None:
        async with account.client(config) as civitai:
            await change(civitai)

    asyncio.run(ask())
    printing.note(done)
