"""What changes a workflow at Civitai. Each says what was done, on standard error; nothing is printed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from cli import account, given, printing
from orchestration import statuses
from orchestration.client import Client
from orchestration.wire import JsonObject

T = TypeVar("T")


def cancel(workflow_id: str, *, delete: bool) -> None:
    """Cancel it; with `delete` have Civitai forget it altogether."""
    if delete:
        _do(
            lambda civitai: civitai.delete(workflow_id),
            f"{workflow_id} is deleted at Civitai; the archive keeps what it has.",
        )
        return

    async def stop(civitai: Client) -> JsonObject:
        await civitai.update(workflow_id, {"status": "canceled"})
        return await civitai.get(workflow_id)

    status = str(_ask(stop).get("status"))
    printing.note(f"{workflow_id} {_became(status)}.")


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


def _became(status: str) -> str:
    """What a workflow is after it was to be canceled: one that had ended before stays as it was."""
    if status.lower() == "canceled":
        return "is canceled"
    return (
        f"had ended already: it is {status}" if statuses.is_terminal(status) else f"is {status}, and will be canceled"
    )


def _do(change: Callable[[Client], Awaitable[None]], done: str) -> None:
    _ask(change)
    printing.note(done)


def _ask(change: Callable[[Client], Awaitable[T]]) -> T:
    config = account.read_settings()

    async def ask() -> T:
        async with account.client(config) as civitai:
            return await change(civitai)

    return asyncio.run(ask())
