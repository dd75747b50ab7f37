CREATE VIEW ops.pruned AS
SELECT
    deleted_at,
    rule,
    what,
    workflow_id,
    step,
    path,
    encode(digest, 'hex') AS sha256,
    size,
    media_type,
    removed_at
FROM public.tombstones;

COMMENT ON VIEW ops.pruned IS 'What a rule of retention, or a person, has deleted';
COMMENT ON COLUMN ops.pruned.deleted_at IS 'when';
COMMENT ON COLUMN ops.pruned.rule IS 'the name of the rule that asked for it';
COMMENT ON COLUMN ops.pruned.what IS 'result (its content), object (the bytes), event or quarantine';
COMMENT ON COLUMN ops.pruned.workflow_id IS 'the workflow that it belonged to';
COMMENT ON COLUMN ops.pruned.step IS 'of a result: its step';
COMMENT ON COLUMN ops.pruned.path IS 'of a result: its place in the step';
COMMENT ON COLUMN ops.pruned.sha256 IS 'of the content, in hex; of an event or delivery, what was unique of it';
COMMENT ON COLUMN ops.pruned.size IS 'bytes of the content or of the body';
COMMENT ON COLUMN ops.pruned.media_type IS 'what the bytes were';
COMMENT ON COLUMN ops.pruned.removed_at IS 'of an object: when its bytes had left storage, or were needed after all';
