CREATE VIEW ops.spools AS
SELECT
    name,
    position AS replayed_bytes,
    replayed_at,
    extract(epoch FROM now() - replayed_at)::double precision AS seconds_since_replay
FROM public.spools;

COMMENT ON VIEW ops.spools IS 'Files of the receiver that are being replayed into the database; what no replay has begun with is only known to the receiver''s metrics';
COMMENT ON COLUMN ops.spools.name IS 'the file''s name';
COMMENT ON COLUMN ops.spools.replayed_bytes IS 'its first bytes that are in the database';
COMMENT ON COLUMN ops.spools.replayed_at IS 'when the replay last got on';
COMMENT ON COLUMN ops.spools.seconds_since_replay IS 'seconds since then';
