"""Workflows and blobs as resources."""

import base64
import hashlib
import json

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import BlobResourceContents, TextResourceContents

from gateway.mcp import resources
from tests.gateway.conftest import Archive, blob_of, without_addresses
from tests.gateway.mcp.assistants import assistant


async def test_a_workflow_and_a_blob_are_read_by_their_addresses(
    archive: Archive, gateway: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workflow,) = await archive.archived()
    blob_id = blob_of(workflow)["id"]
    file = archive.sandbox.state.blobs[blob_id].file
    async with assistant(gateway, key) as client:
        templates = (await client.list_resource_templates()).resource_templates
        assert [one.uri_template for one in templates] == ["archive://workflows/{id}", "archive://blobs/{id}"]
        (document,) = (await client.read_resource(f"archive://workflows/{workflow['id']}")).contents
        assert isinstance(document, TextResourceContents)
        assert document.mime_type == "application/json"
        assert without_addresses(json.loads(document.text)) == without_addresses(workflow)
        (content,) = (await client.read_resource(f"archive://blobs/{blob_id}")).contents
        assert isinstance(content, BlobResourceContents)
        assert content.mime_type == file.media_type
        assert hashlib.sha256(base64.b64decode(content.blob)).hexdigest() == file.sha256
        monkeypatch.setattr(resources, "BYTES_AT_MOST", file.size - 1)
        with pytest.raises(MCPError, match="too many to be read so: archive-get-result"):
            await client.read_resource(f"archive://blobs/{blob_id}")


@pytest.mark.parametrize(
    "uri", ["archive://workflows/nobody", "archive://blobs/nobody", "archive://blobs/", "file:///etc"]
)
async def test_what_is_not_there_is_said(gateway: str, key: str, uri: str) -> None:
    async with assistant(gateway, key) as client:
        with pytest.raises(MCPError, match=r"no such|none such"):
            await client.read_resource(uri)
