CREATE VIEW ops.archive_lag AS
SELECT
    hour,
    workflows,
    p50_seconds,
    p95_seconds,
    p99_seconds,
    max_seconds
FROM public.archived_hours;

COMMENT ON VIEW ops.archive_lag IS 'How long it takes from the callback of a workflow''s end until it is archived, by the hour of the archiving';
COMMENT ON COLUMN ops.archive_lag.hour IS 'its beginning, UTC';
COMMENT ON COLUMN ops.archive_lag.workflows IS 'workflows archived in it';
COMMENT ON COLUMN ops.archive_lag.p50_seconds IS 'half of them took no longer';
COMMENT ON COLUMN ops.archive_lag.p95_seconds IS '95 in a hundred took no longer';
COMMENT ON COLUMN ops.archive_lag.p99_seconds IS '99 in a hundred took no longer';
COMMENT ON COLUMN ops.archive_lag.max_seconds IS 'the slowest';
