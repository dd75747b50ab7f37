CREATE VIEW ops.fixity AS
SELECT
    objects,
    bytes,
    (
        SELECT count(*) FROM public.objects WHERE greatest(verified_at, stored_at) < now() - interval '30 days'
    ) AS unverified_for_30_days,
    (SELECT min(greatest(verified_at, stored_at)) FROM public.objects) AS oldest_verified_at,
    coalesce(
        extract(epoch FROM now() - (SELECT min(greatest(verified_at, stored_at)) FROM public.objects)), 0
    )::double precision AS oldest_seconds,
    (SELECT count(*) FROM public.objects WHERE damaged_at IS NOT NULL) AS damaged
FROM (SELECT count(*) AS objects, coalesce(sum(size), 0)::bigint AS bytes FROM public.objects) AS stored;

COMMENT ON VIEW ops.fixity IS 'How long ago the objects were last proved to be unchanged: one row';
COMMENT ON COLUMN ops.fixity.objects IS 'objects in storage';
COMMENT ON COLUMN ops.fixity.bytes IS 'their bytes';
COMMENT ON COLUMN ops.fixity.unverified_for_30_days IS 'objects of which nothing was proved for 30 days';
COMMENT ON COLUMN ops.fixity.oldest_verified_at IS 'when that one was verified (or stored) that has waited longest';
COMMENT ON COLUMN ops.fixity.oldest_seconds IS 'seconds since then';
COMMENT ON COLUMN ops.fixity.damaged IS 'objects that are known to be damaged or missing';
