CREATE VIEW ops.archive_lag AS
SELECT
    date_bin('1 hour', archived_at, '2000-01-01Z') AS hour,
    count(*) AS workflows,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY lag) AS p50_seconds,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY lag) AS p95_seconds,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY lag) AS p99_seconds,
    max(lag) AS max_seconds
FROM (
    SELECT
        archived_at,
        greatest(extract(epoch FROM archived_at - coalesce(end_received_at, heard_at)), 0)::double precision AS lag
    FROM public.workflows
    WHERE archived_at IS NOT NULL
) AS archived
GROUP BY hour;

COMMENT ON VIEW ops.archive_lag IS 'How long it takes from the callback of a workflow''s end until it is archived, by the hour of the archiving';
COMMENT ON COLUMN ops.archive_lag.hour IS 'its beginning, UTC';
COMMENT ON COLUMN ops.archive_lag.workflows IS 'workflows archived in it';
COMMENT ON COLUMN ops.archive_lag.p50_seconds IS 'half of them took no longer';
COMMENT ON COLUMN ops.archive_lag.p95_seconds IS '95 in a hundred took no longer';
COMMENT ON COLUMN ops.archive_lag.p99_seconds IS '99 in a hundred took no longer';
COMMENT ON COLUMN ops.archive_lag.max_seconds IS 'the slowest';
