"""One blob by its id: where it is, or as a file."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from archive import names, settings, storage
from cli import account, failures, printing, sources
from orchestration import maturity, wire
from orchestration.wire import JsonObject

if TYPE_CHECKING:
    from archive.catalogue import Content


def show(blob_id: str, choice: sources.Choice, *, json: bool) -> None:
    """Print what is known of it: with a URL signed just now, or with its object in storage."""
    config = account.read_settings()

    async def kept(database_url: str) -> JsonObject | None:
        content = await _content(database_url, blob_id)
        return _told(config, blob_id, content) if content else None

    answer = asyncio.run(
        sources.ask(config, choice, f"blob {blob_id}", live=lambda civitai: civitai.refresh(blob_id), kept=kept)
    )
    (printing.line if json else printing.document)(sources.announce(answer, config))


def download(blob_id: str, choice: sources.Choice, directory: Path, *, nsfw: bool, json: bool) -> None:
    """Have it as a file: from storage if it is archived. Raises CommandFailed if that cannot be."""
    asyncio.run(_download(account.read_settings(), blob_id, choice, directory, nsfw=nsfw, json=json))


async def _download(
    config: settings.Settings, blob_id: str, choice: sources.Choice, directory: Path, *, nsfw: bool, json: bool
) -> None:
    from cli import downloads, fetching

    content = None
    if choice == "archive":
        content = await _content(config.required_database_url(), blob_id)
    elif choice == "auto" and config.database_url:
        content = await sources.unless_away(_content(config.database_url.reveal(), blob_id))
    if content is None:
        if choice == "archive":
            raise failures.CommandFailed(f"the archive has no blob {blob_id}.", exit_code=failures.NOT_FOUND)
        config.required_api_token()
    if not nsfw and maturity.is_mature(content.nsfw_level if content else await _level(config, blob_id)):
        raise failures.CommandFailed(f"blob {blob_id} is mature: --nsfw brings it.")
    ending = Path(blob_id).suffix
    wanted = downloads.Wanted(
        stem=names.distinct(blob_id.removesuffix(ending), at_most=120),
        digest=content.digest.hex() if content else None,
        size=content.size if content else None,
        blob_id=blob_id,
    )
    await fetching.have(config, choice, directory, [wanted], json=json)


async def _content(database_url: str, blob_id: str) -> "Content | None":
    from archive import catalogue, database

    async with database.connect_once(database_url, application_name="civitai-archive blob") as connection:
        return await catalogue.content(connection, blob_id)


async def _level(config: settings.Settings, blob_id: str) -> str | None:
    async with account.client(config) as civitai:
        return wire.text((await civitai.refresh(blob_id)).get("nsfwLevel"))


def _told(config: settings.Settings, blob_id: str, content: "Content") -> JsonObject:
    """In Civitai's spelling, with what we know better."""
    return {
        "id": blob_id,
        "available": True,
        "url": f"{config.storage_url.rstrip('/')}/{storage.object_name(content.digest)}",
        "nsfwLevel": content.nsfw_level,
        "mediaType": content.media_type,
        "size": content.size,
        "sha256": content.digest.hex(),
    }
