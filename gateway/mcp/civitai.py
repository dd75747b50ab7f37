"""The four tools of Civitai's own adapters. Each is the REST call of the gateway, in the name of whoever uses it."""

import httpx
from mcp_types import CallToolResult, ToolAnnotations

from gateway import identifiers, parameters, routes, schemas, sources
from gateway.mcp import shapes
from gateway.mcp.caller import Caller
from gateway.mcp.tool import READS, Tool, arguments_of, told
from gateway.workflows import WORKFLOWS
from orchestration.wire import JsonObject

ID = {"workflowId": {**schemas.TEXT, "minLength": 1, "description": "The workflow's id."}}
SOURCE = {
    "source": {
        **schemas.TEXT,
        "enum": [sources.LIVE, sources.ARCHIVE],
        "description": "Who shall answer; without it Civitai as long as it can, else the archive.",
    }
}
_SUBMISSION = (parameters.WAIT, parameters.WHATIF)
_LOOK = (parameters.WAIT, parameters.HIDE_MATURE)


async def submit(caller: Caller, arguments: JsonObject) -> CallToolResult:
    """Submit a workflow."""
    query = {one.name: arguments.get(one.name) for one in _SUBMISSION}
    return _told(await caller.call("POST", WORKFLOWS, query=query, body=arguments["body"]))


async def get(caller: Caller, arguments: JsonObject) -> CallToolResult:
    """Look at a workflow."""
    query = {one.name: arguments.get(one.name) for one in _LOOK}
    return _told(await caller.call("GET", _path(arguments), query=query, source=arguments.get("source")))


async def query(caller: Caller, arguments: JsonObject) -> CallToolResult:
    """List workflows."""
    wishes = {one.name: arguments.get(one.name) for one in routes.FILTERS}
    return _told(await caller.call("GET", WORKFLOWS, query=wishes, source=arguments.get("source")))


async def cancel(caller: Caller, arguments: JsonObject) -> CallToolResult:
    """Cancel a workflow, and say how it stands then."""
    path = _path(arguments)
    await caller.call("PUT", path, body={"status": "canceled"})
    return _told(await caller.call("GET", path))


TOOLS = (
    Tool(
        "civitai-submit-workflow",
        "Submit a workflow",
        "Submit an AI generation workflow to Civitai. It costs Buzz, unless whatif is true; what it makes is archived.",
        {"body": {**schemas.SCHEMAS["WorkflowTemplate"], "description": "The workflow: its steps, tags, metadata."}}
        | arguments_of(*_SUBMISSION),
        ("body",),
        shapes.published("Workflow"),
        ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True),
        submit,
    ),
    Tool(
        "civitai-get-workflow",
        "Get a workflow",
        "Get a workflow by its id, also after Civitai has deleted it. Its blobs have links that are good for a while.",
        ID | arguments_of(*_LOOK) | SOURCE,
        ("workflowId",),
        shapes.published("Workflow"),
        READS,
        get,
    ),
    Tool(
        "civitai-query-workflows",
        "Query workflows",
        "List workflows, newest first, a page at a time. Mature blobs are hidden unless hideMatureContent is false.",
        arguments_of(*routes.FILTERS) | SOURCE,
        (),
        shapes.published("WorkflowPage"),
        READS,
        query,
    ),
    Tool(
        "civitai-cancel-workflow",
        "Cancel a workflow",
        "Cancel a workflow that has not ended. What it has made already stays.",
        ID,
        ("workflowId",),
        shapes.published("Workflow"),
        ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True),
        cancel,
    ),
)


def _path(arguments: JsonObject) -> str:
    return f"{WORKFLOWS}/{identifiers.segment(arguments['workflowId'])}"


def _told(answer: httpx.Response) -> CallToolResult:
    return told(answer.json(), source=answer.headers.get(sources.HEADER))
