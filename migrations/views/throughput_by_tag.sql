CREATE VIEW ops.throughput_by_tag AS
SELECT
    hour,
    tag,
    workflows,
    results,
    bytes
FROM public.stored_tag_hours;

COMMENT ON VIEW ops.throughput_by_tag IS 'What was stored, by hour and tag; a workflow counts for each of its tags, so tags cannot be added up';
COMMENT ON COLUMN ops.throughput_by_tag.hour IS 'its beginning, UTC';
COMMENT ON COLUMN ops.throughput_by_tag.tag IS 'as submitted; null: without any';
COMMENT ON COLUMN ops.throughput_by_tag.workflows IS 'workflows of which something was stored';
COMMENT ON COLUMN ops.throughput_by_tag.results IS 'results whose content was stored';
COMMENT ON COLUMN ops.throughput_by_tag.bytes IS 'the size of their contents, one that was there already included';
