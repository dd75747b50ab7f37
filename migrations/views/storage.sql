CREATE VIEW ops.storage AS
SELECT
    date_bin('1 day', hour, '2000-01-01Z') AS day,
    kind,
    nsfw_level,
    sum(results)::bigint AS results,
    sum(bytes)::bigint AS bytes,
    sum(new_objects)::bigint AS new_objects,
    sum(new_bytes)::bigint AS new_bytes,
    1 - sum(new_bytes)::double precision / nullif(sum(bytes), 0) AS deduplicated_share
FROM public.storage_hours
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
