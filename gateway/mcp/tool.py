"""One tool: what an assistant is told of it, and what is done when he uses it."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jsonschema
from mcp_types import CallToolResult, ContentBlock, TextContent, ToolAnnotations
from mcp_types import Tool as ToolOnTheWire

from gateway.mcp.caller import Caller
from gateway.parameters import Parameter
from gateway.problems import Problem
from gateway.schemas import Schema
from orchestration.wire import JsonObject

READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True)
READS_ARCHIVE = READS.model_copy(update={"open_world_hint": False})
"""For what asks nobody but the archive."""


@dataclass(frozen=True)
class Tool:
    """`arguments`: the JSON Schema of each; `output`: of the structured content."""

    name: str
    title: str
    description: str
    arguments: Mapping[str, Schema]
    required: tuple[str, ...]
    output: Schema
    hints: ToolAnnotations
    function: Callable[[Caller, JsonObject], Awaitable[CallToolResult]]

    @property
    def input(self) -> Schema:
        """The schema of all arguments together."""
        return {
            "type": "object",
            "properties": dict(self.arguments),
            "required": list(self.required),
            "additionalProperties": False,
        }

    @property
    def on_the_wire(self) -> ToolOnTheWire:
        """What a listing of tools says."""
        return ToolOnTheWire(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=self.input,
            output_schema=self.output,
            annotations=self.hints,
        )

    async def use(self, caller: Caller, arguments: JsonObject) -> CallToolResult:
        """Do it. Raises Problem, and what the function raises."""
        wrong = jsonschema.exceptions.best_match(self._validator.iter_errors(arguments))
        if wrong is not None:
            where = ".".join(map(str, wrong.absolute_path))
            raise Problem(400, f"{where or 'The arguments'}: {wrong.message[:500]}.")
        return await self.function(caller, arguments)

    @cached_property
    def _validator(self) -> jsonschema.Draft202012Validator:
        return jsonschema.Draft202012Validator(self.input)


def told(value: JsonObject, *content: ContentBlock, source: str | None = None) -> CallToolResult:
    """A result: the value, as structured content and as text for who reads only that, after other content."""
    text = TextContent(type="text", text=json.dumps(value, ensure_ascii=False))
    meta = None if source is None else {"civitai-archive/source": source}
    return CallToolResult(content=[*content, text], structured_content=value, _meta=meta)


def refused(sentence: str) -> CallToolResult:
    """A result that says what is wrong."""
    return CallToolResult(content=[TextContent(type="text", text=sentence)], is_error=True)


def arguments_of(*parameters: Parameter[Any]) -> dict[str, Schema]:
    """The parameters of a REST call as arguments."""
    return {one.name: {**one.schema, "description": one.description} for one in parameters}
