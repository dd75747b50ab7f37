"""What every request of the gateway has at hand."""

from typing import TypedDict

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from sqlalchemy.ext.asyncio import AsyncEngine

from archive.access import Access
from archive.settings import Settings
from archive.storage import Storage
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
    signer: Signer
    storage: Storage
