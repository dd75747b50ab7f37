CREATE VIEW ops.fixity AS
SELECT
    count(*) AS objects,
    coalesce(sum(size), 0)::bigint AS bytes,
    count(*) FILTER (WHERE verified_at IS NULL) AS never_verified,
    count(*) FILTER (WHERE coalesce(verified_at, stored_at) < now() - interval '30 days') AS unverified_for_30_days,
    min(coalesce(verified_at, stored_at)) AS oldest_verified_at,
    coalesce(extract(epoch FROM now() - min(coalesce(verified_at, stored_at))), 0)::double precision AS oldest_seconds,
    count(damaged_at) AS damaged
FROM public.objects;

COMMENT ON VIEW ops.fixity IS 'How long ago the objects were last proved to be unchanged: one row';
COMMENT ON COLUMN ops.fixity.objects IS 'objects in storage';
COMMENT ON COLUMN ops.fixity.bytes IS 'their bytes';
COMMENT ON COLUMN ops.fixity.never_verified IS 'objects that were not read again since they were stored';
COMMENT ON COLUMN ops.fixity.unverified_for_30_days IS 'objects of which nothing was proved for 30 days';
COMMENT ON COLUMN ops.fixity.oldest_verified_at IS 'when that one was verified (or stored) that has waited longest';
COMMENT ON COLUMN ops.fixity.oldest_seconds IS 'seconds since then';
COMMENT ON COLUMN ops.fixity.damaged IS 'objects that are known to be damaged or missing';
