CREATE VIEW ops.results AS
SELECT
    results.workflow_id,
    results.step,
    results.path,
    steps.type AS step_type,
    steps.engine,
    results.role,
    results.kind,
    results.nsfw_level,
    results.blob_id,
    CASE
        WHEN results.pruned_at IS NOT NULL THEN 'pruned'
        WHEN results.stored_at IS NOT NULL THEN 'stored'
        WHEN results.withheld_at IS NOT NULL THEN 'withheld'
        WHEN results.gone_at IS NOT NULL THEN 'gone'
        WHEN results.dead_at IS NOT NULL THEN 'dead'
        ELSE 'pending'
    END AS state,
    coalesce(results.stored_at, results.withheld_at, results.gone_at, results.dead_at) AS settled_at,
    results.stored_at,
    results.pruned_at,
    encode(results.object_digest, 'hex') AS sha256,
    address.object_name,
    (SELECT storage_markers.url || '/' || address.object_name FROM public.storage_markers) AS storage_url,
    objects.size,
    objects.media_type,
    coalesce(objects.width, results.width) AS width,
    coalesce(objects.height, results.height) AS height,
    coalesce(objects.duration, results.duration) AS duration,
    objects.verified_at,
    objects.damaged_at,
    results.blocked_reason,
    results.missing_at,
    results.attempts,
    results.next_attempt_at,
    results.last_error,
    workflows.tags,
    workflows.deadline_at
FROM public.results
LEFT JOIN public.workflows ON workflows.id = results.workflow_id
LEFT JOIN public.steps ON steps.workflow_id = results.workflow_id AND steps.name = results.step
LEFT JOIN public.objects ON objects.digest = results.object_digest
CROSS JOIN LATERAL (
    SELECT
        'objects/sha256/' || substr(hex, 1, 2) || '/' || substr(hex, 3, 2) || '/' || hex AS object_name
    FROM (SELECT encode(results.object_digest, 'hex') AS hex) AS digest
) AS address;

COMMENT ON VIEW ops.results IS 'One place in a workflow where content appears, with the object that holds it';
COMMENT ON COLUMN ops.results.workflow_id IS 'its workflow';
COMMENT ON COLUMN ops.results.step IS 'the step that made it';
COMMENT ON COLUMN ops.results.path IS 'where in the step it appears';
COMMENT ON COLUMN ops.results.step_type IS 'the step''s type';
COMMENT ON COLUMN ops.results.engine IS 'the step''s engine';
COMMENT ON COLUMN ops.results.role IS 'result, preview, by-product or bundle';
COMMENT ON COLUMN ops.results.kind IS 'image, video, audio, …, as Civitai says';
COMMENT ON COLUMN ops.results.nsfw_level IS 'as Civitai says';
COMMENT ON COLUMN ops.results.blob_id IS 'Civitai''s id of the content, if it has one';
COMMENT ON COLUMN ops.results.state IS 'how it settled: stored (pruned when a rule of retention took it away since), withheld, gone, dead; else pending';
COMMENT ON COLUMN ops.results.settled_at IS 'when it settled';
COMMENT ON COLUMN ops.results.stored_at IS 'when its content was in storage';
COMMENT ON COLUMN ops.results.pruned_at IS 'when a rule of retention took its content away';
COMMENT ON COLUMN ops.results.sha256 IS 'of the content, in hex';
COMMENT ON COLUMN ops.results.object_name IS 'where the content lies, below the storage''s URL';
COMMENT ON COLUMN ops.results.storage_url IS 'where the content lies; null until a worker has run with this storage';
COMMENT ON COLUMN ops.results.size IS 'bytes';
COMMENT ON COLUMN ops.results.media_type IS 'what the bytes are';
COMMENT ON COLUMN ops.results.width IS 'pixels, of the bytes where they say it, else as Civitai says';
COMMENT ON COLUMN ops.results.height IS 'pixels, as width';
COMMENT ON COLUMN ops.results.duration IS 'seconds, as width';
COMMENT ON COLUMN ops.results.verified_at IS 'when the object was last found to be what its digest says';
COMMENT ON COLUMN ops.results.damaged_at IS 'when the object was found not to be so';
COMMENT ON COLUMN ops.results.blocked_reason IS 'why Civitai keeps it back';
COMMENT ON COLUMN ops.results.missing_at IS 'Civitai''s API answers 404 for the blob since then';
COMMENT ON COLUMN ops.results.attempts IS 'failed tries';
COMMENT ON COLUMN ops.results.next_attempt_at IS 'while pending: not before then';
COMMENT ON COLUMN ops.results.last_error IS 'what the last failed try said';
COMMENT ON COLUMN ops.results.tags IS 'the workflow''s';
COMMENT ON COLUMN ops.results.deadline_at IS 'when Civitai forgets the workflow';
