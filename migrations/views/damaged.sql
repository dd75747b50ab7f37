CREATE VIEW ops.damaged AS
SELECT
    encode(objects.digest, 'hex') AS sha256,
    objects.damaged_at,
    objects.size,
    objects.media_type,
    count(results.id) AS results,
    max(results.workflow_id) AS example_workflow_id
FROM public.objects
LEFT JOIN public.results ON results.object_digest = objects.digest
WHERE objects.damaged_at IS NOT NULL
GROUP BY objects.digest;

COMMENT ON VIEW ops.damaged IS 'Objects whose bytes were found damaged or missing, and whose they are';
COMMENT ON COLUMN ops.damaged.sha256 IS 'what the bytes should have, in hex';
COMMENT ON COLUMN ops.damaged.damaged_at IS 'when that was found';
COMMENT ON COLUMN ops.damaged.size IS 'bytes that there should be';
COMMENT ON COLUMN ops.damaged.media_type IS 'what they were';
COMMENT ON COLUMN ops.damaged.results IS 'results that are this object';
COMMENT ON COLUMN ops.damaged.example_workflow_id IS 'the workflow of one of them';
