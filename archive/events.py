"""What callbacks tell: recording it, and what each event obliges us to."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, bindparam, func, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, INTERVAL, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from archive import database, hours, tables, workflows
from orchestration import statuses
from orchestration.events import Event

Parameters = dict[str, list[str]]
"""A callback URL's query without its secret: name to values, in the order they came."""


@dataclass(frozen=True)
class Delivery:
    """One authenticated HTTP request: the event it told, from whom, and the body, struck of our secret.

    `received_at` is for one that comes late, from the spool; None means now. `known_digest` is for one that has been
    recorded before, since its parameters may have come in another order.
    """

    event: Event
    source: str
    parameters: Parameters
    body: bytes
    received_at: datetime | None = None
    known_digest: bytes | None = None

    @cached_property
    def projection(self) -> str | None:
        """The body as JSON text that jsonb takes; None if the body is such a text itself.

        Raises RecursionError: what is just readable may not be writable.
        """
        return None if self.event.is_plain else database.to_jsonb(self.event.body)

    @property
    def digest(self) -> bytes:
        """What makes two deliveries the same event: step and job events carry no timestamp, so it is the content."""
        return self.known_digest or content_digest(self.source, self.parameters, self.body)


def content_digest(source: str, parameters: Parameters, body: bytes) -> bytes:
    """SHA-256 over source, parameters and body, each opened by its length so that none can pose as another."""
    caller = _caller(source, parameters_json(parameters))
    return hashlib.sha256(caller + len(body).to_bytes(8, "big") + body).digest()


@lru_cache
def _caller(source: str, parameters: str) -> bytes:
    """What a digest begins with; nearly all callbacks come from one caller."""
    return b"".join(len(part).to_bytes(8, "big") + part for part in (source.encode(), parameters.encode()))


def parameters_json(parameters: Parameters) -> str:
    """The parameters as text that jsonb takes, spelled so for ever: events are known again by a digest over it."""
    return database.storable_json(json.dumps(parameters)) if parameters else "{}"  # most have none


def told_json() -> ColumnElement[Any]:
    """What a row of `events` tells, as jsonb."""
    body = func.convert_from(tables.events.c.body, "UTF8").cast(JSONB)
    return func.coalesce(tables.events.c.projection, body, type_=JSONB)


_RECORD = text(
    """
    WITH kept AS (
        INSERT INTO events (workflow_id, digest, scope, step_name, job_id, status, occurred_at, source,
                            parameters, body, projection, first_received_at, last_received_at, deliveries)
        SELECT workflow_id, digest, scope, step_name, job_id, status, occurred_at, source,
               parameters::jsonb, substring(:bodies FROM first_byte FOR bytes), projection::jsonb,
               coalesce(received_at, now()), coalesce(received_at, now()), deliveries
        FROM json_to_recordset(CAST(:told AS json))
          AS told (workflow_id text, digest bytea, scope text, step_name text, job_id text, status text,
                   occurred_at timestamptz, source text, parameters text, projection text, received_at timestamptz,
                   deliveries integer, first_byte integer, bytes integer)
        ON CONFLICT (workflow_id, digest) DO UPDATE
        SET deliveries = events.deliveries + excluded.deliveries,
            first_received_at = least(events.first_received_at, excluded.first_received_at),
            last_received_at = greatest(events.last_received_at, excluded.last_received_at)
        RETURNING id, workflow_id, scope, status, occurred_at, first_received_at,
                  lower(status) = ANY (:terminal) AS ended, xmax = 0 AS is_new
    ),
    heard AS (
        SELECT workflow_id,
               min(first_received_at) AS heard_at,
               min(first_received_at) FILTER (WHERE ended AND scope = 'workflow') AS end_received_at,
               max(id) FILTER (WHERE is_new AND ended AND scope IN ('workflow', 'step')) AS obliging_event_id,
               (array_agg(status ORDER BY ended DESC, occurred_at DESC NULLS LAST, status DESC)
                   FILTER (WHERE scope = 'workflow' AND status IS NOT NULL))[1] AS told_status,
               (array_agg(occurred_at ORDER BY ended DESC, occurred_at DESC NULLS LAST, status DESC)
                   FILTER (WHERE scope = 'workflow' AND status IS NOT NULL))[1] AS told_at
        FROM kept GROUP BY workflow_id
    ),
    jobs_told AS (
        INSERT INTO jobs (workflow_id, id, step_name, told_status, reason, blocked_reason)
        SELECT * FROM json_to_recordset(CAST(:ended_jobs AS json))
          AS ended (workflow_id text, id text, step_name text, status text, reason text, blocked_reason text)
        ON CONFLICT (workflow_id, id) DO UPDATE
        SET step_name = greatest(jobs.step_name COLLATE "C", excluded.step_name),
            told_status = greatest(jobs.told_status COLLATE "C", excluded.told_status),
            reason = greatest(jobs.reason COLLATE "C", excluded.reason),
            blocked_reason = greatest(jobs.blocked_reason COLLATE "C", excluded.blocked_reason)
    )
    INSERT INTO workflows (id, origin, heard_at, told_status, told_at, end_received_at, last_event_id, due_at,
                           deadline_at)
    SELECT workflow_id, 'callback', heard_at, told_status, told_at, end_received_at, obliging_event_id, now(),
           heard_at + :retention
    FROM heard ORDER BY workflow_id
    ON CONFLICT (id) DO UPDATE SET
        (told_status, told_at) = (
            SELECT status, occurred_at
            FROM (VALUES (workflows.told_status, workflows.told_at),
                         (excluded.told_status, excluded.told_at)) AS told (status, occurred_at)
            ORDER BY status IS NULL, lower(status) = ANY (:terminal) DESC, occurred_at DESC NULLS LAST, status DESC
            LIMIT 1),
        end_received_at = least(workflows.end_received_at, excluded.end_received_at),
        last_event_id = coalesce(excluded.last_event_id, workflows.last_event_id),
        due_at = CASE WHEN excluded.last_event_id IS NULL THEN workflows.due_at
                      ELSE least(workflows.due_at, excluded.due_at) END
    RETURNING id, xmax = 0 OR last_event_id IN (SELECT id FROM kept WHERE is_new) AS is_due,
              (SELECT count(*) FROM kept WHERE is_new) AS new_events,
              (SELECT array_agg(first_received_at) FROM kept WHERE first_received_at < now() - :settles) AS late
    """
).bindparams(
    bindparam("told", type_=Text),
    bindparam("bodies", type_=BYTEA),
    bindparam("ended_jobs", type_=Text),
    bindparam("terminal", type_=ARRAY(Text)),
    bindparam("retention", type_=INTERVAL),
    bindparam("settles", type_=INTERVAL),
)
"""Three tables in one statement, of a few values: of an array the driver looks at each element for long, so the bodies
come one behind the other, and the rest as JSON.

The order in which a workflow's statuses are preferred is total (ended, then latest, then by name), so every
permutation of its events leaves the same one.
"""


class Recorded(NamedTuple):
    """What a batch has changed."""

    due: list[str]
    """The ids of the workflows that it has made due."""
    new: int
    """The events that were not there before; every other delivery repeats one."""


async def record(connection: AsyncConnection, deliveries: Sequence[Delivery]) -> Recorded:
    """Keep the deliveries, and make due the workflows that they oblige us to fetch.

    A workflow becomes due when it is first heard of, and when an event is new that ends it or one of its steps.
    Progress obliges to nothing. What ended jobs told is kept with the job, since no document repeats it.
    """
    folded: dict[tuple[str, bytes], tuple[Delivery, int]] = {}
    for delivery in deliveries:
        key = (delivery.event.workflow_id, delivery.digest)
        first, count = folded.get(key, (delivery, 0))
        folded[key] = (first, count + 1)
    # Sorted, so that two batches that meet take their row locks in the same order.
    rows = [(digest, *folded[workflow_id, digest]) for workflow_id, digest in sorted(folded)]
    result = await connection.execute(
        _RECORD,
        {
            "told": _told(rows),
            "bodies": b"".join(delivery.body for _, delivery, _ in rows),
            "ended_jobs": _ended_jobs(delivery.event for _, delivery, _ in rows),
            "terminal": list(statuses.TERMINAL),
            "retention": workflows.RETENTION,
            "settles": hours.SETTLES,
        },
    )
    changed = result.all()
    if changed and changed[0].late:
        await hours.recount(connection, changed[0].late)
    return Recorded([row.id for row in changed if row.is_due], changed[0].new_events if changed else 0)


def _told(rows: Iterable[tuple[bytes, Delivery, int]]) -> str:
    """The events as rows for the statement, all but their bodies, of which they say where these lie."""
    told = []
    first_byte = 1
    for digest, delivery, count in rows:
        event = delivery.event
        told.append(
            {
                "workflow_id": event.workflow_id,
                "digest": f"\\x{digest.hex()}",
                "scope": event.scope,
                "step_name": event.step_name,
                "job_id": event.job_id,
                "status": event.status,
                "occurred_at": event.occurred_at,
                "source": delivery.source,
                "parameters": parameters_json(delivery.parameters),
                "projection": delivery.projection,
                "received_at": delivery.received_at,
                "deliveries": count,
                "first_byte": first_byte,
                "bytes": len(delivery.body),
            }
        )
        first_byte += len(delivery.body)
    return orjson.dumps(told).decode()


def _ended_jobs(told: Iterable[Event]) -> str:
    """The status and reasons of jobs that ended, as rows for the statement.

    Job events have no timestamp, so of two that differ the greater wins, whichever came first: any order of
    deliveries leaves the same row.
    """
    ended: dict[tuple[str, str], tuple[str | None, ...]] = {}
    for event in told:
        if event.scope == "job" and event.job_id and statuses.is_terminal(event.status):
            key = (event.workflow_id, event.job_id)
            facts = (event.step_name, event.status, event.reason, event.blocked_reason)
            ended[key] = tuple(
                max(one or "", other or "") or None for one, other in zip(facts, ended.get(key, facts), strict=True)
            )
    names = ("workflow_id", "id", "step_name", "status", "reason", "blocked_reason")
    return orjson.dumps([dict(zip(names, (*key, *ended[key]), strict=True)) for key in sorted(ended)]).decode()
