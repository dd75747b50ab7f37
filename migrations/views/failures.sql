CREATE VIEW ops.failures AS
SELECT
    date_bin('1 hour', attempted_at, '2000-01-01Z') AS hour,
    CASE WHEN step IS NULL THEN 'workflow' ELSE 'result' END AS subject,
    http_status,
    regexp_replace(split_part(error, ' (', 1), '[0-9]+', '#', 'g') AS reason,
    count(*) AS tries,
    count(DISTINCT workflow_id) AS workflows,
    sum(seconds) AS seconds,
    max(attempted_at) AS last_at,
    max(workflow_id) AS example_workflow_id,
    max(error) AS example
FROM public.attempts
GROUP BY hour, subject, http_status, reason;

COMMENT ON VIEW ops.failures IS 'Our failed tries by hour and reason, each with an example';
COMMENT ON COLUMN ops.failures.hour IS 'its beginning, UTC';
COMMENT ON COLUMN ops.failures.subject IS 'what was tried: a workflow or a result';
COMMENT ON COLUMN ops.failures.http_status IS 'what was answered, if anything was';
COMMENT ON COLUMN ops.failures.reason IS 'the error without its particulars, numbers as #';
COMMENT ON COLUMN ops.failures.tries IS 'tries that failed so';
COMMENT ON COLUMN ops.failures.workflows IS 'workflows that were concerned';
COMMENT ON COLUMN ops.failures.seconds IS 'how long those tries took together';
COMMENT ON COLUMN ops.failures.last_at IS 'when the last of them began';
COMMENT ON COLUMN ops.failures.example_workflow_id IS 'one of the workflows';
COMMENT ON COLUMN ops.failures.example IS 'one of the errors, whole';
