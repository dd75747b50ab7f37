CREATE VIEW ops.announcements AS
SELECT
    day,
    source,
    in_time,
    late,
    lost,
    (late + lost)::double precision / nullif(in_time + late + lost, 0) AS failed_share
FROM public.announcements;

COMMENT ON VIEW ops.announcements IS 'Whether Civitai announced the ends of workflows that had a callback of ours registered, by day and source; each workflow once';
COMMENT ON COLUMN ops.announcements.day IS 'on which they ended, UTC';
COMMENT ON COLUMN ops.announcements.source IS 'the name of the secret with which the end was told, else whatever was told first; null: nothing ever came, so nobody knows which was registered';
COMMENT ON COLUMN ops.announcements.in_time IS 'announced within a minute';
COMMENT ON COLUMN ops.announcements.late IS 'announced later';
COMMENT ON COLUMN ops.announcements.lost IS 'never announced: found by reconciling or polling';
COMMENT ON COLUMN ops.announcements.failed_share IS 'the part that was late or lost, from 0 to 1';
