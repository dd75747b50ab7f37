"""What every request of the receiver has at hand."""

import asyncio
from collections.abc import Sequence
from typing import TypedDict

from sqlalchemy.ext.asyncio import AsyncEngine

from archive.access import Access
from archive.settings import Network
from receiver.callers import Callers
from receiver.intake import Intake
from receiver.refusals import Refusals
from receiver.spool import Spool


class State(TypedDict):
    """Made at start-up, the same for every request."""

    access: Access
    callers: Callers
    engine: AsyncEngine
    intake: Intake
    large_bodies: asyncio.Semaphore
    refusals: Refusals
    spool: Spool
    trusted_proxies: Sequence[Network]
