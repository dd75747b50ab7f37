CREATE VIEW ops.pauses AS
SELECT
    cause,
    since,
    until,
    until > now() AS holds,
    reason
FROM public.pauses;

COMMENT ON VIEW ops.pauses IS 'Times in which nobody calls Civitai''s API';
COMMENT ON COLUMN ops.pauses.cause IS 'rate: Civitai asked for fewer calls. credentials: it refuses our token. jobs: it refuses it the documents of jobs alone';
COMMENT ON COLUMN ops.pauses.since IS 'its beginning';
COMMENT ON COLUMN ops.pauses.until IS 'its end, unless it is made longer';
COMMENT ON COLUMN ops.pauses.holds IS 'whether it holds now';
COMMENT ON COLUMN ops.pauses.reason IS 'what Civitai said';
