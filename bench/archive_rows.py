"""Tables with a long history: as many archived workflows as somebody asks for, each with all that belongs to it."""

from sqlalchemy import text

from bench.house import House
from worker import count_hours

_FILL = (
    """
    INSERT INTO workflows (id, origin, heard_at, told_status, told_at, status, fetched_at, tags, metadata, document,
                           created_at, started_at, completed_at, last_event_id, attempts, deadline_at, archived_at)
    SELECT 'old-' || n, 'callback', at, 'succeeded', at, 'succeeded', at, '{old}', '{}',
           jsonb_build_object('id', 'old-' || n, 'status', 'succeeded', 'steps', repeat(md5(n::text), 16)),
           at, at, at, n, 2, at + interval '30 days', at
    FROM generate_series(1, :rows) AS n,
         LATERAL (SELECT now() - interval '2 hours' - n * interval '1 ms' AS at) AS moment
    """,
    """
    INSERT INTO steps (workflow_id, name, position, type, status, started_at, completed_at, input, output)
    SELECT 'old-' || n, '$0', 0, 'textToImage', 'succeeded', now(), now(), '{"prompt": "old"}', '{}'
    FROM generate_series(1, :rows) AS n
    """,
    """
    INSERT INTO jobs (workflow_id, id, step_name, status, document, document_at)
    SELECT 'old-' || n, 'job-old-' || n, '$0', 'succeeded', '{"cost": 4}', now() FROM generate_series(1, :rows) AS n
    """,
    """
    INSERT INTO objects (digest, size, media_type, stored_at)
    SELECT sha256(('old-' || n)::bytea), 50000, 'image/png', now() - interval '2 hours'
    FROM generate_series(1, :rows) AS n
    """,
    """
    INSERT INTO results (workflow_id, step, path, role, blob_id, kind, url, object_digest, next_attempt_at, stored_at)
    SELECT 'old-' || n, '$0', 'output.images[0]', 'result', 'old-' || n || '.png', 'image',
           'https://old.example/' || n, sha256(('old-' || n)::bytea),
           now() - interval '2 hours', now() - interval '2 hours'
    FROM generate_series(1, :rows) AS n
    """,
    """
    INSERT INTO events (workflow_id, digest, scope, status, occurred_at, source, parameters, body, projection,
                        first_received_at, last_received_at, deliveries)
    SELECT 'old-' || n, sha256(('event-' || n)::bytea), 'workflow', 'succeeded', now(), 'bench', '{}', '\\x7b7d', '{}',
           now() - interval '2 hours', now() - interval '2 hours', 1
    FROM generate_series(1, :rows) AS n
    """,
)


async def fill(house: House, rows: int) -> None:
    """So many workflows, each with a step, a job, an event, a result and its object; then what autovacuum would do.

    And what workers would have counted by then, hours ago.
    """
    async with house.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("SET statement_timeout = 0"))
        for statement in _FILL:
            await connection.execute(text(statement), {"rows": rows})
        await connection.execute(text("VACUUM ANALYZE"))
        await count_hours.count_hours(house.engine)
        await connection.execute(text("CHECKPOINT"))
