CREATE VIEW ops.storage AS
SELECT
    date_bin('1 day', results.stored_at, '2000-01-01Z') AS day,
    results.kind,
    results.nsfw_level,
    count(*) AS results,
    sum(objects.size)::bigint AS bytes,
    count(*) FILTER (WHERE is_first) AS new_objects,
    coalesce(sum(objects.size) FILTER (WHERE is_first), 0)::bigint AS new_bytes,
    1 - coalesce(sum(objects.size) FILTER (WHERE is_first), 0)::double precision / nullif(sum(objects.size), 0)
        AS deduplicated_share
FROM public.results
JOIN public.objects ON objects.digest = results.object_digest
CROSS JOIN LATERAL (
    SELECT
        NOT EXISTS (
            SELECT FROM public.results AS other
            WHERE
                other.object_digest = results.object_digest
                AND (other.stored_at, other.id) < (results.stored_at, results.id)
        ) AS is_first
) AS place
WHERE results.stored_at IS NOT NULL
GROUP BY 1, 2, 3;

COMMENT ON VIEW ops.storage IS 'How storage grows, by day, kind and nsfw level, and what was there already';
COMMENT ON COLUMN ops.storage.day IS 'its beginning, UTC';
COMMENT ON COLUMN ops.storage.kind IS 'image, video, audio, …, as Civitai says';
COMMENT ON COLUMN ops.storage.nsfw_level IS 'as Civitai says';
COMMENT ON COLUMN ops.storage.results IS 'results that were stored';
COMMENT ON COLUMN ops.storage.bytes IS 'the size of their contents together';
COMMENT ON COLUMN ops.storage.new_objects IS 'contents that were not there before';
COMMENT ON COLUMN ops.storage.new_bytes IS 'bytes that storage has grown by';
COMMENT ON COLUMN ops.storage.deduplicated_share IS 'the part of bytes that was there already, from 0 to 1';
