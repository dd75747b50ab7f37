"""What every request of the receiver has at hand."""

from typing import TypedDict

from sqlalchemy.ext.asyncio import AsyncEngine

from archive.access import Access
from receiver.bell import Bell


class State(TypedDict):
    """Made at start-up, the same for every request."""

    access: Access
    engine: AsyncEngine
    bell: Bell
