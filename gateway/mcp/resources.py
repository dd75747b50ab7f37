"""What an assistant can read by its address: workflows as documents, blobs as bytes."""

import base64
from urllib.parse import unquote

from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    BlobResourceContents,
    ReadResourceResult,
    ResourceTemplate,
    TextResourceContents,
)

from archive import catalogue
from gateway import blobs, identifiers, sources
from gateway.mcp.caller import Caller
from gateway.problems import Problem
from gateway.workflows import WORKFLOWS

WORKFLOW, BLOB = "archive://workflows/", "archive://blobs/"

BYTES_AT_MOST = 16 << 20
"""A larger blob is read by its link."""

TEMPLATES = (
    ResourceTemplate(
        uri_template=f"{WORKFLOW}{{id}}",
        name="workflow",
        title="A workflow",
        description="A workflow's document, in Civitai's shape, also after Civitai has deleted it.",
        mime_type="application/json",
    ),
    ResourceTemplate(
        uri_template=f"{BLOB}{{id}}",
        name="blob",
        title="A blob's content",
        description="The bytes of an archived image, video, sound or model.",
    ),
)


async def read(caller: Caller, uri: str) -> ReadResourceResult:
    """What is at an address. Raises Problem, and MCPError for an address of nothing."""
    if uri.startswith(WORKFLOW):
        path = f"{WORKFLOWS}/{identifiers.segment(_identifier(uri, WORKFLOW))}"
        text = (await caller.call("GET", path)).text
        return ReadResourceResult(contents=[TextResourceContents(uri=uri, mime_type="application/json", text=text)])
    if uri.startswith(BLOB):
        return ReadResourceResult(contents=[await _blob(caller, uri, _identifier(uri, BLOB))])
    raise MCPError(INVALID_PARAMS, f"There is no such resource: addresses begin with {WORKFLOW} or {BLOB}")


async def _blob(caller: Caller, uri: str, name: str) -> BlobResourceContents:
    path = f"{blobs.BLOBS}/{identifiers.segment(name)}"
    await caller.admit("read")
    async with caller.state["engine"].connect() as connection:
        content = await catalogue.content(connection, name)
    if content is not None and content.size > BYTES_AT_MOST:
        sentence = f"This blob has {content.size} bytes, too many to be read so: archive-get-result gives a link to it."
        raise Problem(413, sentence)
    answer = await caller.call("GET", path, source=sources.ARCHIVE)
    return BlobResourceContents(
        uri=uri, mime_type=answer.headers["Content-Type"], blob=base64.b64encode(answer.content).decode()
    )


def _identifier(uri: str, prefix: str) -> str:
    return unquote(uri.removeprefix(prefix), errors="replace")
