"""Where a page of a listing ended: a place in the order of the rows, which rows that come later do not move."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime

PREFIX = "archive."
"""What tells our cursors from Civitai's."""


class BadCursor(ValueError):
    """The text is no cursor that this archive gave."""


@dataclass(frozen=True)
class Cursor:
    """The last workflow of a page: when it was created, and its id, which decides between equals."""

    created_at: datetime
    workflow_id: str

    def __str__(self) -> str:
        """The text to give to a client."""
        told = json.dumps([self.created_at.isoformat(), self.workflow_id]).encode()
        return PREFIX + base64.urlsafe_b64encode(told).decode().rstrip("=")


def is_ours(text: str) -> bool:
    """Whether a cursor is one of ours, by its look; what it is worth, `parse` says."""
    return text.startswith(PREFIX)


def parse(text: str) -> Cursor:
    """Read what `str` of a cursor gave. Raises BadCursor."""
    coded = text.removeprefix(PREFIX)
    try:
        told = base64.b64decode(coded + "=" * (-len(coded) % 4), altchars=b"-_", validate=True)
        created_at, workflow_id = json.loads(told)
        moment = datetime.fromisoformat(created_at)
        moment.astimezone(UTC)  # refuses what would be outside the years that there are
        workflow_id.encode()  # refuses lone surrogates, which no text in PostgreSQL has
    except (binascii.Error, ValueError, OverflowError, TypeError, AttributeError, RecursionError):
        raise BadCursor("the cursor is none that this archive gave") from None
    if not is_ours(text) or moment.tzinfo is None or not isinstance(workflow_id, str) or "\0" in workflow_id:
        raise BadCursor("the cursor is none that this archive gave")
    return Cursor(moment, workflow_id)
