"""The archive's own tools: what Civitai has not, or has no more."""

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mcp_types import CallToolResult, ContentBlock, ImageContent, ResourceLink

from archive import at_risk, catalogue, cursors, pauses, search, status, timeline
from gateway import blobs, identifiers, parameters, problems, schemas, sources
from gateway.mcp.caller import Caller
from gateway.mcp.civitai import ID
from gateway.mcp.shapes import Shape, published
from gateway.mcp.tool import READS, READS_ARCHIVE, Tool, arguments_of, told
from gateway.problems import Problem
from orchestration import wire
from orchestration.wire import JsonObject

INLINE_BYTES_AT_MOST = 1 << 20
"""An image of so many bytes comes with the answer itself; what is larger, as a link."""

SEARCH_SECONDS = 10.0
TAKE = 20

_SHOWN = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
"""What assistants can look at."""


@dataclass(frozen=True)
class Report:
    """How the archive is doing: counts, and why nobody calls Civitai just now."""

    workflows: status.Status
    pauses: Sequence[pauses.Pause]


@dataclass(frozen=True)
class InDanger:
    """Workflows that Civitai forgets within a week and that are not safe."""

    workflows: Sequence[at_risk.AtRisk]


_PAGE, _TIMELINE, _REPORT, _IN_DANGER = Shape(search.Page), Shape(timeline.Timeline), Shape(Report), Shape(InDanger)


async def search_results(caller: Caller, arguments: JsonObject) -> CallToolResult:
    """Find results."""
    await caller.admit("read")
    filters = search.Filters(
        text=wire.storable(arguments.get("text", "")),
        tags=[wire.storable(tag) for tag in arguments.get("tags", ())],
        workflow_id=wire.storable(arguments.get("workflowId", "")),
        kind=wire.storable(arguments.get("kind", "")),
        step_type=wire.storable(arguments.get("stepType", "")),
        state=arguments.get("state"),
        created_from=_moment(arguments, "fromDate"),
        created_to=_moment(arguments, "toDate"),
    )
    try:
        async with asyncio.timeout(SEARCH_SECONDS), caller.state["engine"].connect() as connection:
            page = await search.results(
                connection, filters, take=arguments.get("take", TAKE), cursor=arguments.get("cursor")
            )
    except cursors.BadCursor as error:
        raise problems.invalid("cursor", f"{error}.") from None
    except TimeoutError:
        sentence = f"The search did not end within {SEARCH_SECONDS:.0f} seconds: narrow it by tags or dates."
        raise Problem(503, sentence) from None
    return told(_PAGE.tell(page), source=sources.ARCHIVE)


async def get_result(caller: Caller, arguments: JsonObject) -> CallToolResult:
    """Show a result: the image itself if it is small, and a link."""
    name = arguments["blobId"]
    path = f"{blobs.BLOBS}/{identifiers.segment(name)}"
    answer = await caller.call("POST", f"{path}/refresh")
    blob: JsonObject = answer.json()
    async with caller.state["engine"].connect() as connection:
        content = await catalogue.content(connection, name)
    media_type, size = (content.media_type, content.size) if content else (None, None)
    shown: list[ContentBlock] = []
    if content is not None and media_type in _SHOWN and content.size <= INLINE_BYTES_AT_MOST:
        bytes_of = (await caller.call("GET", path, source=sources.ARCHIVE)).content
        shown.append(ImageContent(type="image", data=base64.b64encode(bytes_of).decode(), mime_type=media_type))
    if wire.is_url(url := blob.get("url")):
        shown.append(ResourceLink(type="resource_link", name=name, uri=url, mime_type=media_type, size=size))
    return told(blob, *shown, source=answer.headers.get(sources.HEADER))


async def get_timeline(caller: Caller, arguments: JsonObject) -> CallToolResult:
    """Tell what happened to a workflow."""
    await caller.admit("read")
    async with caller.state["engine"].connect() as connection:
        story = await timeline.read(connection, wire.storable(arguments["workflowId"]))
    if story is None:
        raise Problem(404, "The archive was told nothing of this workflow: is its id right?")
    return told(_TIMELINE.tell(story), source=sources.ARCHIVE)


async def get_status(caller: Caller, _: JsonObject) -> CallToolResult:
    """Tell how the archive is doing."""
    await caller.admit("read")
    async with caller.state["engine"].connect() as connection:
        report = Report(await status.look(connection), await pauses.holding(connection))
    return told(_REPORT.tell(report), source=sources.ARCHIVE)


async def list_at_risk(caller: Caller, arguments: JsonObject) -> CallToolResult:
    """List what is in danger."""
    await caller.admit("read")
    async with caller.state["engine"].connect() as connection:
        listed = await at_risk.nearest(connection, take=arguments.get("take", TAKE))
    return told(_IN_DANGER.tell(InDanger(listed)), source=sources.ARCHIVE)


_TAKE = {
    "take": {
        "type": "integer",
        "minimum": 1,
        "maximum": search.TAKE_AT_MOST,
        "description": f"How many; {TAKE} if not said.",
    }
}

TOOLS = (
    Tool(
        "archive-search-results",
        "Search results",
        "Find images, videos, audio and models that workflows made, the newest workflow's first: by prompt, tags, "
        "kind, dates. A result's blobId is what archive-get-result takes.",
        {
            "text": {
                **schemas.TEXT,
                "description": "A text in the input of the step that made it, such as its prompt.",
            },
            **arguments_of(parameters.TAGS),
            "workflowId": {**schemas.TEXT, "description": "Only the results of this workflow."},
            "kind": {**schemas.TEXT, "description": "image, video, audio, model3d, …"},
            "stepType": {**schemas.TEXT, "description": "textToImage, videoGen, …"},
            "state": {**schemas.TEXT, "enum": list(search.STATES), "description": "Whether the archive has its bytes."},
            **arguments_of(parameters.FROM_DATE, parameters.TO_DATE, parameters.CURSOR),
            **_TAKE,
        },
        (),
        _PAGE.schema,
        READS_ARCHIVE,
        search_results,
    ),
    Tool(
        "archive-get-result",
        "Get a result",
        "Get the content of a blob: a small image is shown at once, anything else comes as a link that is good for an "
        "hour or so.",
        {"blobId": {**schemas.TEXT, "minLength": 1, "description": "The blob's id, from a workflow or a search."}},
        ("blobId",),
        published("Blob"),
        READS,
        get_result,
    ),
    Tool(
        "archive-timeline",
        "Tell what happened",
        "Tell what happened to a workflow and when: what callbacks told, what Civitai says, what the archive did, and "
        "what was never told.",
        ID,
        ("workflowId",),
        _TIMELINE.schema,
        READS_ARCHIVE,
        get_timeline,
    ),
    Tool(
        "archive-status",
        "Tell how the archive is doing",
        "Tell how much is archived, how much is due, and whether anything is in the way.",
        {},
        (),
        _REPORT.schema,
        READS_ARCHIVE,
        get_status,
    ),
    Tool(
        "archive-at-risk",
        "List what is at risk",
        "List the workflows that Civitai forgets within a week and that are not safe in the archive yet, the nearest "
        "deadline first.",
        _TAKE,
        (),
        _IN_DANGER.schema,
        READS_ARCHIVE,
        list_at_risk,
    ),
)


def _moment(arguments: JsonObject, name: str) -> datetime | None:
    if name not in arguments:
        return None
    try:
        return parameters.moment(arguments[name])
    except ValueError as error:
        raise problems.invalid(name, f"{name} {error}.") from None
