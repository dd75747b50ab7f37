"""The server: which tools and resources there are, and what becomes of what goes wrong in them."""

import time
from collections.abc import Callable, Coroutine
from importlib import metadata
from typing import Any, TypeVar

import structlog
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
)

from gateway import door
from gateway.mcp import civitai, kept, resources
from gateway.mcp.caller import Caller
from gateway.mcp.tool import Tool, refused
from gateway.problems import Problem

NAME = "civitai-archive"

INSTRUCTIONS = (
    "The archive of an account's Civitai workflows. civitai-* tools speak to Civitai, and to the archive about what "
    "Civitai has deleted; archive-* tools know what is kept, what happened to it and what is in danger."
)

TOOLS: dict[str, Tool] = {tool.name: tool for tool in (*civitai.TOOLS, *kept.TOOLS)}

Context = ServerRequestContext[Any, Any]
T = TypeVar("T")

log = structlog.get_logger()


def create(caller_of: Callable[[Context], Caller]) -> Server[Any]:
    """A server for whatever carries its messages; `caller_of` says whose message one is."""

    async def list_tools(context: Context, _: PaginatedRequestParams | None) -> ListToolsResult:
        may_change = await _explained(caller_of(context).may("write"))
        shown = [tool for tool in TOOLS.values() if may_change or tool.hints.read_only_hint]
        return ListToolsResult(tools=[tool.on_the_wire for tool in shown])

    async def call_tool(context: Context, params: CallToolRequestParams) -> CallToolResult:
        tool = TOOLS.get(params.name)
        if tool is None:
            raise MCPError(INVALID_PARAMS, "There is no tool of this name: tools/list says which there are.")
        began, result = time.perf_counter(), None
        try:
            result = await _explained(tool.use(caller_of(context), params.arguments or {}))
        except Problem as problem:
            result = refused(problem.detail)
        finally:
            outcome = "failed" if result is None else "refused" if result.is_error else "done"
            log.info("used", tool=tool.name, outcome=outcome, seconds=round(time.perf_counter() - began, 4))
        return result

    async def list_resources(_: Context, __: PaginatedRequestParams | None) -> ListResourcesResult:
        return ListResourcesResult(resources=[])

    async def list_templates(_: Context, __: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
        return ListResourceTemplatesResult(resource_templates=list(resources.TEMPLATES))

    async def read_resource(context: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        try:
            return await _explained(resources.read(caller_of(context), params.uri))
        except Problem as problem:
            code = INVALID_PARAMS if problem.status < 500 else INTERNAL_ERROR
            raise MCPError(code, problem.detail, {"uri": params.uri}) from None

    return Server(
        NAME,
        version=metadata.version(NAME),
        title="Civitai archive",
        instructions=INSTRUCTIONS,
        get_tool_input_schema=lambda name: TOOLS[name].input if name in TOOLS else None,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
    )


async def _explained(doing: Coroutine[Any, Any, T]) -> T:
    """Do it. Raises Problem for what can be said to a client, and MCPError for a fault of ours, which says nothing."""
    try:
        return await doing
    except MCPError:
        raise
    except Exception as error:
        problem = door.problem_of(error)
        if problem is None:
            log.exception("a tool or resource failed")
            raise MCPError(INTERNAL_ERROR, "The gateway failed at this: its log says why.") from None
        raise problem from None
