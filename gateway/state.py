"""What every request of the gateway has at hand."""

from typing import TypedDict

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from sqlalchemy.ext.asyncio import AsyncEngine

from archive.access import Access
from archive.catalogue import Kept
from archive.settings import Settings
from archive.storage import Storage
from archive.together import Together
from gateway.keyring import Keyring, Owner
from gateway.signing import Signer
from orchestration.connection import Connection


class State(TypedDict):
    """Made at start-up, the same for every request. `engine` commits each statement by itself."""

    access: Access
    civitai: Connection
    config: Settings
    engine: AsyncEngine
    keyring: Keyring | Owner
    mcp: StreamableHTTPSessionManager
    kept: Together[str, Kept | None]
    signer: Signer
    storage: Storage
