CREATE VIEW ops.buzz_by_tag AS
SELECT
    date_bin('1 day', hour, '2000-01-01Z') AS day,
    tag,
    currency,
    sum(workflows)::bigint AS workflows,
    sum(cost) AS cost
FROM public.spent_tag_hours
GROUP BY 1, 2, 3;

COMMENT ON VIEW ops.buzz_by_tag IS 'What was spent, by the day of submission and tag; a workflow counts for each of its tags, so tags cannot be added up';
COMMENT ON COLUMN ops.buzz_by_tag.day IS 'its beginning, UTC';
COMMENT ON COLUMN ops.buzz_by_tag.tag IS 'as submitted; null: without any';
COMMENT ON COLUMN ops.buzz_by_tag.currency IS 'as told, several joined by commas';
COMMENT ON COLUMN ops.buzz_by_tag.workflows IS 'how many workflows';
COMMENT ON COLUMN ops.buzz_by_tag.cost IS 'what they cost';
