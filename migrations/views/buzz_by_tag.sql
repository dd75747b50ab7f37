CREATE VIEW ops.buzz_by_tag AS
SELECT
    date_bin('1 day', coalesce(created_at, heard_at), '2000-01-01Z') AS day,
    tag,
    currency,
    count(*) AS workflows,
    sum(cost) AS cost
FROM public.workflows
LEFT JOIN LATERAL (SELECT DISTINCT unnest(tags) AS tag) AS tags ON true
GROUP BY 1, 2, 3;

COMMENT ON VIEW ops.buzz_by_tag IS 'What was spent, by the day of submission and tag; a workflow counts for each of its tags, so tags cannot be added up';
COMMENT ON COLUMN ops.buzz_by_tag.day IS 'its beginning, UTC';
COMMENT ON COLUMN ops.buzz_by_tag.tag IS 'as submitted; null: without any';
COMMENT ON COLUMN ops.buzz_by_tag.currency IS 'as told, several joined by commas';
COMMENT ON COLUMN ops.buzz_by_tag.workflows IS 'how many workflows';
COMMENT ON COLUMN ops.buzz_by_tag.cost IS 'what they cost';
