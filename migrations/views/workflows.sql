CREATE VIEW ops.workflows AS
SELECT
    id AS workflow_id,
    CASE
        WHEN archived_at IS NOT NULL THEN 'archived'
        WHEN leased_until > now() THEN 'leased'
        WHEN due_at <= now() THEN 'due'
        WHEN due_at IS NOT NULL THEN 'waiting'
        WHEN gone_at IS NOT NULL THEN 'gone'
        WHEN dead_at IS NOT NULL THEN 'dead'
        ELSE 'idle'
    END AS state,
    status,
    told_status,
    origin,
    ARRAY(SELECT DISTINCT source FROM events WHERE events.workflow_id = workflows.id ORDER BY source) AS sources,
    tags,
    ARRAY(SELECT DISTINCT type FROM steps WHERE steps.workflow_id = workflows.id ORDER BY type) AS step_types,
    coalesce(created_at, heard_at) AS submitted_at,
    started_at,
    completed_at,
    heard_at,
    end_received_at,
    fetched_at,
    archived_at,
    extract(epoch FROM completed_at - started_at)::double precision AS run_seconds,
    greatest(extract(epoch FROM archived_at - coalesce(end_received_at, heard_at)), 0)::double precision AS lag_seconds,
    cost,
    currency,
    nsfw_level,
    ephemeral,
    document_told,
    (SELECT count(*) FROM results WHERE results.workflow_id = workflows.id) AS results,
    (SELECT count(stored_at) FROM results WHERE results.workflow_id = workflows.id) AS stored_results,
    due_at,
    leased_until,
    attempts AS claims,
    failures,
    last_error,
    deadline_at,
    missing_at,
    gone_at,
    dead_at
FROM public.workflows;

COMMENT ON VIEW ops.workflows IS 'One workflow of Civitai''s: how it ended, and how far the archive has come with it';
COMMENT ON COLUMN ops.workflows.workflow_id IS 'Civitai''s id';
COMMENT ON COLUMN ops.workflows.state IS 'archived; else leased (a worker has it), due, waiting (due later), gone, dead or idle (nothing is owed)';
COMMENT ON COLUMN ops.workflows.status IS 'the API''s status';
COMMENT ON COLUMN ops.workflows.told_status IS 'the callbacks'' status; may be ahead of the API''s, or behind when one was lost';
COMMENT ON COLUMN ops.workflows.origin IS 'how we first heard of it: callback, reconcile, backfill, submit';
COMMENT ON COLUMN ops.workflows.sources IS 'the names of the secrets with which its callbacks came';
COMMENT ON COLUMN ops.workflows.tags IS 'as submitted';
COMMENT ON COLUMN ops.workflows.step_types IS 'the types of its steps, each once';
COMMENT ON COLUMN ops.workflows.submitted_at IS 'when it was created at Civitai; until that is known, when we heard of it';
COMMENT ON COLUMN ops.workflows.started_at IS 'when Civitai began to run it';
COMMENT ON COLUMN ops.workflows.completed_at IS 'when it ended at Civitai';
COMMENT ON COLUMN ops.workflows.heard_at IS 'when we first heard of it';
COMMENT ON COLUMN ops.workflows.end_received_at IS 'when the first callback came that told its end';
COMMENT ON COLUMN ops.workflows.fetched_at IS 'when its document was last saved';
COMMENT ON COLUMN ops.workflows.archived_at IS 'when it was first whole: ended, and every result settled';
COMMENT ON COLUMN ops.workflows.run_seconds IS 'seconds from its start to its end at Civitai';
COMMENT ON COLUMN ops.workflows.lag_seconds IS 'seconds from the callback of its end (else from when we heard of it) to archived';
COMMENT ON COLUMN ops.workflows.cost IS 'the total, in currency';
COMMENT ON COLUMN ops.workflows.currency IS 'as told, several joined by commas';
COMMENT ON COLUMN ops.workflows.nsfw_level IS 'as Civitai says';
COMMENT ON COLUMN ops.workflows.ephemeral IS 'Civitai does not store it: its callbacks are the only copy';
COMMENT ON COLUMN ops.workflows.document_told IS 'its document is what callbacks told, not the API';
COMMENT ON COLUMN ops.workflows.results IS 'places in it where content appears';
COMMENT ON COLUMN ops.workflows.stored_results IS 'those whose content is stored';
COMMENT ON COLUMN ops.workflows.due_at IS 'when there is something to do; null: nothing is owed';
COMMENT ON COLUMN ops.workflows.leased_until IS 'until then it is a worker''s';
COMMENT ON COLUMN ops.workflows.claims IS 'how often a worker has taken it';
COMMENT ON COLUMN ops.workflows.failures IS 'failed tries since the last good one';
COMMENT ON COLUMN ops.workflows.last_error IS 'what the last failed try said';
COMMENT ON COLUMN ops.workflows.deadline_at IS 'when Civitai forgets it';
COMMENT ON COLUMN ops.workflows.missing_at IS 'Civitai''s API answers 404 since then';
COMMENT ON COLUMN ops.workflows.gone_at IS 'when Civitai''s API had the last word: it is no more';
COMMENT ON COLUMN ops.workflows.dead_at IS 'when we gave up, with the reason in last_error';
