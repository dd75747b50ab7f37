"""How well Civitai announces the ends of workflows: for each day and source, what was told in time, late, or never.

A workflow is judged once, some time after it ended, whoever told us of it. It is judged if it was to be announced to
us: its document names our receiver for that event, or an event of it has come. Its source is that of the event that
told its end, else of the first one that came. Of what nothing came at all it is unknown: the URL in the document would
say it, but the secret there is struck from whatever we keep.
"""

from datetime import timedelta

from sqlalchemy import ARRAY, Interval, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from orchestration import statuses

PATIENCE = timedelta(minutes=1)
"""What comes later than this is late: Civitai tries for about half a minute."""

JUDGED_AFTER = timedelta(minutes=5)
"""What has not come by then will not: it is lost. The spool has been read by then too."""

BATCH = 1000

_COUNT = text(
    """
    WITH ended AS (
        SELECT id, status, document, completed_at
        FROM workflows
        WHERE counted_at IS NULL AND completed_at < now() - :judged_after AND lower(status) = ANY (:terminal)
        ORDER BY completed_at LIMIT :batch
        FOR NO KEY UPDATE SKIP LOCKED
    ), heard AS (
        SELECT ended.id, ended.completed_at, told.source, told.at AS told_at,
               told.anything OR EXISTS (
                   SELECT FROM jsonb_array_elements(
                       CASE jsonb_typeof(document -> 'callbacks') WHEN 'array' THEN document -> 'callbacks'
                                                                  ELSE '[]' END
                       || jsonb_build_object('url', document -> 'callbackUrl', 'type', document -> 'callbackEvents')
                   ) AS registered
                   WHERE starts_with(registered ->> 'url', :receiver)
                     AND registered -> 'type' ?| ARRAY['workflow:*', 'workflow:' || lower(status)]
               ) AS is_ours
        FROM ended CROSS JOIN LATERAL (
            SELECT min(first_received_at) FILTER (WHERE is_end) AS at,
                   count(*) FILTER (WHERE scope = 'workflow') > 0 AS anything,
                   (array_agg(source ORDER BY is_end DESC, first_received_at, id))[1] AS source
            FROM (
                SELECT id, scope, source, first_received_at,
                       scope = 'workflow' AND coalesce(lower(events.status) = ANY (:terminal), false) AS is_end
                FROM events WHERE workflow_id = ended.id
            ) AS event
        ) AS told
    ), counted AS (
        UPDATE workflows SET counted_at = now() FROM ended WHERE workflows.id = ended.id
        RETURNING workflows.id
    ), days AS (
        INSERT INTO announcements (day, source, in_time, late, lost)
        SELECT (completed_at AT TIME ZONE 'UTC')::date, source,
               count(*) FILTER (WHERE told_at <= completed_at + :patience),
               count(*) FILTER (WHERE told_at > completed_at + :patience),
               count(*) FILTER (WHERE told_at IS NULL)
        FROM heard WHERE is_ours GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (day, source) DO UPDATE
        SET in_time = announcements.in_time + excluded.in_time,
            late = announcements.late + excluded.late,
            lost = announcements.lost + excluded.lost
    )
    SELECT count(*) FROM counted
    """
).bindparams(
    bindparam("judged_after", type_=Interval),
    bindparam("patience", type_=Interval),
    bindparam("terminal", type_=ARRAY(Text)),
)


async def count(connection: AsyncConnection, public_url: str | None) -> bool:
    """Judge the next batch of workflows that have ended; whether there may be more.

    public_url: where Civitai reaches our receiver. Without it every registered callback is taken for ours.
    """
    parameters = {
        "judged_after": JUDGED_AFTER,
        "patience": PATIENCE,
        "terminal": list(statuses.TERMINAL),
        "receiver": public_url or "",
        "batch": BATCH,
    }
    return (await connection.execute(_COUNT, parameters)).scalar() == BATCH
