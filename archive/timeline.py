"""What happened to a workflow and when: told by callbacks, by Civitai's documents, and done by us, in one order.

Callbacks of a workflow come one after the other, so the order in which they were first received is the order in which
Civitai told them. What its API says has ended and no callback told is a gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from orchestration import statuses

Hand = Literal["callback", "civitai", "archive"]
Scope = Literal["workflow", "step", "job", "result"]

MOST_EVENTS = 5000
"""As many events of a workflow are told, the oldest ones; real ones have dozens."""

MOST_ATTEMPTS = 100
"""As many failed tries, the newest ones."""


@dataclass(frozen=True)
class Told:
    """One event, as callbacks told it. `at` is when it first came; only workflow events say when they occurred."""

    id: int
    at: datetime
    last_received_at: datetime
    deliveries: int
    source: str
    scope: Scope
    step_name: str | None
    job_id: str | None
    status: str | None
    occurred_at: datetime | None
    reason: str | None
    blocked_reason: str | None
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Moment:
    """One thing that happened.

    hand: who says so: a callback, Civitai's own document, or we, who did it.
    name: the step's, or the job's id; None for the workflow and for all of its results.
    what: a status as Civitai spells it, or what we did: heard, fetched, failed, stored, withheld, gone, dead, archived.
    note: in words, what else there is to say.
    """

    at: datetime
    hand: Hand
    scope: Scope
    name: str | None
    what: str
    note: str | None


@dataclass(frozen=True)
class Gap:
    """Civitai's document says that it ended so, and no callback told it, although one was registered for that."""

    scope: Scope
    name: str | None
    status: str
    at: datetime | None


@dataclass(frozen=True)
class Timeline:
    """The moments of one workflow, oldest first, and what was never told."""

    workflow_id: str
    moments: list[Moment]
    gaps: list[Gap]


_TOLD = "coalesce(projection, convert_from(body, 'UTF8')::jsonb)"
"""See `events.told_json`."""

_EVENTS = text(
    f"""
    SELECT id, first_received_at, last_received_at, deliveries, source, scope, step_name, job_id, status, occurred_at,
           {_TOLD}->>'reason', {_TOLD}->>'blockedReason', parameters
    FROM events WHERE workflow_id = :workflow_id ORDER BY first_received_at, id LIMIT :most
    """  # noqa: S608 - a text of ours
)

_MOMENTS: TextClause = text(
    f"""
    SELECT at, hand, scope, name, what, note FROM (
        SELECT created_at AS at, 'civitai' AS hand, 'workflow' AS scope, NULL AS name, 'created' AS what, NULL AS note,
               1 AS place
        FROM workflows WHERE id = :workflow_id
        UNION ALL SELECT heard_at, 'archive', 'workflow', NULL, 'heard', 'from ' || origin, 2
        FROM workflows WHERE id = :workflow_id
        UNION ALL SELECT started_at, 'civitai', 'workflow', NULL, 'started', NULL, 3
        FROM workflows WHERE id = :workflow_id
        UNION ALL SELECT started_at, 'civitai', 'step', name, 'started', type, 4
        FROM steps WHERE workflow_id = :workflow_id
        UNION ALL SELECT started_at, 'civitai', 'job', id, 'started', provider, 5
        FROM jobs WHERE workflow_id = :workflow_id
        UNION ALL SELECT completed_at, 'civitai', 'job', id, coalesce(status, 'ended'), NULL, 6
        FROM jobs WHERE workflow_id = :workflow_id
        UNION ALL SELECT completed_at, 'civitai', 'step', name, coalesce(status, 'ended'), NULL, 7
        FROM steps WHERE workflow_id = :workflow_id
        UNION ALL SELECT completed_at, 'civitai', 'workflow', NULL, coalesce(status, 'ended'), NULL, 8
        FROM workflows WHERE id = :workflow_id
        UNION ALL (
            SELECT first_received_at, 'callback', scope, coalesce(job_id, step_name), coalesce(status, 'unknown'),
                   nullif(concat_ws('; ', {_TOLD}->>'reason', {_TOLD}->>'blockedReason',
                                    CASE WHEN deliveries > 1 THEN deliveries || ' deliveries' END), ''), 9
            FROM events WHERE workflow_id = :workflow_id ORDER BY first_received_at, id LIMIT :most_events)
        UNION ALL (
            SELECT attempted_at, 'archive', CASE WHEN step IS NULL THEN 'workflow' ELSE 'result' END,
                   step || ' ' || path, 'failed', error, 10
            FROM attempts WHERE workflow_id = :workflow_id ORDER BY id DESC LIMIT :most_attempts)
        UNION ALL SELECT fetched_at, 'archive', 'workflow', NULL, 'fetched', NULL, 11
        FROM workflows WHERE id = :workflow_id
        UNION ALL SELECT max(settled.at), 'archive', 'result', NULL, settled.what,
                         count(*) || CASE count(*) WHEN 1 THEN ' result' ELSE ' results' END, 12
        FROM results CROSS JOIN LATERAL (VALUES (stored_at, 'stored'), (withheld_at, 'withheld'), (gone_at, 'gone'),
                                                (dead_at, 'dead')) AS settled (at, what)
        WHERE workflow_id = :workflow_id AND settled.at IS NOT NULL GROUP BY settled.what
        UNION ALL SELECT ended.at, 'archive', 'workflow', NULL, ended.what, ended.note, 13
        FROM workflows CROSS JOIN LATERAL (VALUES (archived_at, 'archived', NULL), (gone_at, 'gone', NULL),
                                                  (dead_at, 'dead', last_error)) AS ended (at, what, note)
        WHERE id = :workflow_id
    ) AS happened
    WHERE at IS NOT NULL
    ORDER BY at, place, name
    """  # noqa: S608 - a text of ours
)
"""`place` is the order of what happened at the same moment."""

_UNTOLD: TextClause = text(
    """
    SELECT ended.scope, ended.name, ended.status, ended.at
    FROM (SELECT 'workflow' AS scope, NULL AS name, status, completed_at AS at, 1 AS place, 0 AS position
          FROM workflows WHERE id = :workflow_id
          UNION ALL SELECT 'step', name, status, completed_at, 2, position
          FROM steps WHERE workflow_id = :workflow_id
          UNION ALL SELECT 'job', id, status, completed_at, 3, 0
          FROM jobs WHERE workflow_id = :workflow_id) AS ended
    WHERE lower(ended.status) = ANY (:terminal)
      AND (ended.scope || ':*' = ANY (:registered) OR ended.scope || ':' || lower(ended.status) = ANY (:registered))
      AND NOT EXISTS (
          SELECT FROM events
          WHERE workflow_id = :workflow_id AND events.scope = ended.scope AND lower(events.status) = lower(ended.status)
            AND (ended.name IS NULL OR ended.name IN (events.step_name, events.job_id)))
    ORDER BY ended.place, ended.position, ended.at, ended.name
    """
).bindparams(bindparam("terminal", type_=ARRAY(Text)), bindparam("registered", type_=ARRAY(Text)))

_REGISTERED = text(
    "SELECT document->'callbacks', document->'callbackEvents', document_told FROM workflows WHERE id = :workflow_id"
)


async def events(connection: AsyncConnection, workflow_id: str) -> Sequence[Told]:
    """Every event that was told of a workflow, in the order in which they came; none of an unknown one."""
    found = await connection.execute(_EVENTS, {"workflow_id": workflow_id, "most": MOST_EVENTS})
    return [Told(*row) for row in found]


async def read(connection: AsyncConnection, workflow_id: str) -> Timeline | None:
    """Everything that is known to have happened to a workflow; None if we never heard of it.

    There are no gaps where no callback was registered, nor in what callbacks alone have told.
    """
    about = (await connection.execute(_REGISTERED, {"workflow_id": workflow_id})).one_or_none()
    if about is None:
        return None
    facts = {"workflow_id": workflow_id, "most_events": MOST_EVENTS, "most_attempts": MOST_ATTEMPTS}
    moments = [Moment(*row) for row in await connection.execute(_MOMENTS, facts)]
    callbacks, older_filters, is_told = about
    gaps: list[Gap] = []
    if not is_told:
        untold = {
            "workflow_id": workflow_id,
            "terminal": list(statuses.TERMINAL),
            "registered": _registered(callbacks, older_filters),
        }
        gaps = [Gap(*row) for row in await connection.execute(_UNTOLD, untold)]
    return Timeline(workflow_id, moments, gaps)


def _registered(callbacks: object, older_filters: object) -> list[str]:
    """The event filters (`scope:status`, `scope:*`) that a document names, in lower case."""
    filters = list(older_filters) if isinstance(older_filters, list) else []
    for callback in callbacks if isinstance(callbacks, list) else []:
        types = callback.get("type") if isinstance(callback, dict) else None
        filters += types if isinstance(types, list) else []
    return [one.lower() for one in filters if isinstance(one, str)]
