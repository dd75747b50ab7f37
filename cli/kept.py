"""What the archive answers with, in Civitai's shapes, and with addresses in its own storage."""

from archive import catalogue, database, settings, storage
from orchestration import rendering
from orchestration.client import Page
from orchestration.wire import JsonObject

NAME = "civitai-archive"


async def workflow(config: settings.Settings, database_url: str, workflow_id: str) -> JsonObject | None:
    """A workflow's document; None if none is kept."""
    async with database.connect_once(database_url, application_name=NAME) as connection:
        found = await catalogue.workflow(connection, workflow_id)
    return _rendered(config, found) if found else None


async def step(config: settings.Settings, database_url: str, workflow_id: str, name: str) -> JsonObject | None:
    """One step of a workflow; None if none is kept."""
    found = await workflow(config, database_url, workflow_id)
    return rendering.find_step(found, name) if found else None


async def job(database_url: str, job_id: str) -> JsonObject | None:
    """A job's own document; None if none is kept."""
    async with database.connect_once(database_url, application_name=NAME) as connection:
        return await catalogue.job(connection, job_id)


async def listing(
    config: settings.Settings, database_url: str, wanted: catalogue.Filters, *, take: int, cursor: str | None
) -> Page:
    """One page of workflows. Raises BadCursor."""
    async with database.connect_once(database_url, application_name=NAME) as connection:
        page = await catalogue.query(connection, wanted, take=take, cursor=cursor)
    return Page([_rendered(config, one) for one in page.items], str(page.next) if page.next else None)


def _rendered(config: settings.Settings, found: catalogue.Kept) -> JsonObject:
    base = config.storage_url.rstrip("/")
    return found.render(lambda content: rendering.Link(f"{base}/{storage.object_name(content.digest)}", None))
