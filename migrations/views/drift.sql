CREATE VIEW ops.drift AS
SELECT
    'shape' AS kind,
    coalesce(step_type, '') || ' ' || regexp_replace(path, '[0-9]+', '#', 'g') AS what,
    reason,
    count(*) AS seen,
    max(seen_at) AS last_seen_at,
    max(workflow_id) AS example_workflow_id
FROM public.drift
GROUP BY 2, 3
UNION ALL
SELECT
    'step type',
    step_type,
    'Civitai''s published document of November 2026 does not name it; its results are found by their shape all the same',
    steps,
    last_hour,
    (
        -- One that was submitted in that hour: among all steps it might be the last to be found.
        SELECT workflows.id
        FROM public.workflows
        JOIN public.steps ON steps.workflow_id = workflows.id
        WHERE
            coalesce(workflows.created_at, workflows.heard_at) >= last_hour
            AND coalesce(workflows.created_at, workflows.heard_at) < last_hour + interval '1 hour'
            AND steps.type = unknown.step_type
        LIMIT 1
    )
FROM (
    SELECT step_type, sum(steps)::bigint AS steps, max(hour) AS last_hour
    FROM public.spent_hours
    WHERE
        lower(step_type) NOT IN (
            'acestepaudio', 'ageclassification', 'audiocaptioning', 'blobarchive', 'chatcompletion',
            'comfy', 'comfynodepacksnapshot', 'composemedia', 'convertimage', 'customcomfy', 'echo',
            'humanoidimagemask', 'imagebackgroundremoval', 'imagegen', 'imageresourcetraining',
            'imagetosvg', 'imageupload', 'imageupscaler', 'mediacaptioning', 'mediahash', 'mediarating',
            'minimaxmusic3', 'model3dpreview', 'modelclamscan', 'modelhash', 'modelparsemetadata',
            'modelpicklescan', 'polygen', 'preprocessimage', 'promptenhancement', 'qwenimagebench',
            'repeat', 'shieldstralmoderation', 'texttoimage', 'texttospeech', 'training', 'transcode',
            'transcription', 'tryonu', 'videobackgroundremoval', 'videoenhancement',
            'videoframeextraction', 'videogen', 'videointerpolation', 'videometadata', 'videoupscaler',
            'wdtagging', 'xguardmoderation'
        )
    GROUP BY step_type
) AS unknown
UNION ALL
SELECT
    'status',
    said.status,
    'we do not know it, so it ends nothing',
    count(*),
    max(said.seen_at),
    max(id)
FROM public.workflows
CROSS JOIN LATERAL (
    VALUES (workflows.status, fetched_at), (nullif(told_status, workflows.status), told_at)
) AS said (status, seen_at)
WHERE
    due_at IS NOT NULL
    AND lower(said.status) NOT IN (
        'unassigned', 'preparing', 'scheduled', 'processing', 'pending',
        'succeeded', 'failed', 'expired', 'canceled', 'deleted'
    )
GROUP BY said.status;

COMMENT ON VIEW ops.drift IS 'Where Civitai speaks differently from what this release knows';
COMMENT ON COLUMN ops.drift.kind IS 'shape: might be content, and cannot be read as such. step type, status: an unknown one (of workflows that are not done with)';
COMMENT ON COLUMN ops.drift.what IS 'the step type and path of a shape, numbers as #; the step type; the status';
COMMENT ON COLUMN ops.drift.reason IS 'what about it cannot be read';
COMMENT ON COLUMN ops.drift.seen IS 'how often';
COMMENT ON COLUMN ops.drift.last_seen_at IS 'when last';
COMMENT ON COLUMN ops.drift.example_workflow_id IS 'a workflow that has it';
