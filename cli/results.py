"""The results of a workflow: every place in which the finder sees content, shown or had as files."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from archive import names, settings
from cli import account, printing, sources, tables
from orchestration import maturity, results
from orchestration.client import Client
from orchestration.results import Found
from orchestration.wire import JsonObject

if TYPE_CHECKING:
    from archive.catalogue import Content, Kept
    from cli.downloads import Wanted

COLUMNS = ("step", "path", "role", "kind", "blob", "size", "state")


@dataclass(frozen=True)
class Result:
    """One place with content: what the document says of it, and what is stored of it."""

    found: Found
    content: "Content | None"

    @property
    def state(self) -> str:
        """Where it is, in a word or two."""
        if self.content:
            return "archived"
        if self.found.blocked_reason and not self.found.available:
            return f"withheld: {self.found.blocked_reason}"
        return "not yet" if self.found.available is False else "live"


@dataclass(frozen=True)
class Asked:
    """Which results are asked for. roles: none means all; nsfw: also what is mature."""

    workflow_id: str
    choice: sources.Choice
    roles: frozenset[str] = frozenset()
    nsfw: bool = True


def show(asked: Asked, *, json: bool) -> None:
    """Print what there is."""
    config = account.read_settings()
    _, seen = asyncio.run(_see(config, asked))
    if json:
        for result in seen:
            printing.line(_told(asked.workflow_id, result))
        return
    rows = [
        (
            result.found.step,
            result.found.path,
            result.found.role,
            result.found.kind,
            result.found.blob_id,
            result.content.size if result.content else result.found.size,
            result.state,
        )
        for result in seen
    ]
    tables.show(COLUMNS, rows, "table", whole="blob")


def download(asked: Asked, directory: Path, *, json: bool) -> None:
    """Have every result as a file. Raises CommandFailed if any is missing.

    The archive is not short of what it does not keep, previews and bundles mostly: that is said, and the rest is had.
    """
    config = account.read_settings()

    async def see_and_have() -> None:
        from cli import fetching

        source, seen = await _see(config, asked)
        wanted = seen
        if source == "archive":
            wanted = [result for result in seen if result.content or result.found.role in config.kept_roles]
            if left_out := Counter(one.found.role for one in seen) - Counter(one.found.role for one in wanted):
                counted = ", ".join(f"{count} {role}" for role, count in sorted(left_out.items()))
                printing.note(f"Left out, since the archive does not keep them: {counted}.")
        await fetching.have(config, asked.choice, directory, _wanted(asked.workflow_id, wanted), json=json)

    asyncio.run(see_and_have())


async def _see(config: settings.Settings, asked: Asked) -> tuple[sources.Origin, Sequence[Result]]:
    """Where the answer came from, which is also printed, and what of it is asked for."""
    workflow_id = asked.workflow_id

    async def live(civitai: Client) -> tuple[JsonObject, Mapping[tuple[str, str], "Content"]]:
        return await civitai.get(workflow_id), {}

    async def kept(database_url: str) -> tuple[JsonObject, Mapping[tuple[str, str], "Content"]] | None:
        found = await _kept(database_url, workflow_id)
        return (found.document, found.contents) if found else None

    answer = await sources.ask(config, asked.choice, f"workflow {workflow_id}", live=live, kept=kept)
    document, stored = sources.announce(answer, config)
    if answer.source == "live" and asked.choice == "auto" and config.database_url:
        known = await sources.unless_away(_kept(config.database_url.reveal(), workflow_id))
        stored = known.contents if known else {}
    seen = [Result(found, stored.get((found.step, found.path))) for found in results.find(document)]
    seen = [result for result in seen if not asked.roles or result.found.role in asked.roles]
    shown = [result for result in seen if asked.nsfw or not maturity.is_mature(_level(result))]
    if len(shown) < len(seen):
        printing.note(f"{len(seen) - len(shown)} mature results are left out; --nsfw brings them.")
    return answer.source, shown


async def _kept(database_url: str, workflow_id: str) -> "Kept | None":
    from archive import catalogue, database

    async with database.connect_once(database_url, application_name="civitai-archive results") as connection:
        return await catalogue.workflow(connection, workflow_id)


def _wanted(workflow_id: str, wanted: Sequence[Result]) -> list["Wanted"]:
    """Each under a name of its own: `<workflow>_<step>_<path>`."""
    from cli import downloads

    stems = [_stem(workflow_id, result.found) for result in wanted]
    shared = {stem.lower() for stem, count in Counter(stem.lower() for stem in stems).items() if count > 1}
    return [
        downloads.Wanted(
            stem=f"{stem}-{names.token(result.found.step, result.found.path)}" if stem.lower() in shared else stem,
            kind=result.found.kind,
            digest=result.content.digest.hex() if result.content else None,
            size=result.content.size if result.content else result.found.size,
            blob_id=result.found.blob_id,
            url=result.found.url,
            url_expires_at=result.found.url_expires_at,
            why_not=_why_not(result),
        )
        for stem, result in zip(stems, wanted, strict=True)
    ]


def _stem(workflow_id: str, found: Found) -> str:
    place = names.slug(found.path.removeprefix("output."), at_most=60)
    return names.distinct(f"{workflow_id}_{found.step}_{place}", at_most=120)


def _why_not(result: Result) -> str | None:
    from cli import downloads

    found = result.found
    if result.content is None and found.blocked_reason and not found.available:
        return downloads.withheld(found.blocked_reason)
    return None


def _level(result: Result) -> str | None:
    return result.found.nsfw_level or (result.content.nsfw_level if result.content else None)


def _told(workflow_id: str, result: Result) -> JsonObject:
    """A result as programs read it, in Civitai's spelling; what is not known is left out."""
    found, content = result.found, result.content
    told = {
        "workflowId": workflow_id,
        "step": found.step,
        "path": found.path,
        "role": found.role,
        "type": found.kind,
        "blobId": found.blob_id,
        "url": found.url,
        "available": found.available,
        "blockedReason": found.blocked_reason,
        "nsfwLevel": _level(result),
        "width": found.width,
        "height": found.height,
        "duration": found.duration,
        "sha256": content.digest.hex() if content else None,
        "size": content.size if content else found.size,
        "mediaType": content.media_type if content else found.media_type,
        "state": result.state,
    }
    return {key: value for key, value in told.items() if value is not None}
