INSERT INTO attempts (workflow_id, step, path, attempted_at, seconds, http_status, error)
SELECT
    id,
    CASE WHEN why > 0 THEN '$0' END,
    CASE WHEN why > 0 THEN 'output.images[0]' END,
    archived_at,
    bench.chance(number, 'try'),
    (ARRAY[503, NULL, 403])[why + 1],
    (ARRAY[
        error,
        'Civitai could not be reached or its answer could not be read, it will be worth another try (blob ' || id || ').',
        'The signed URL has expired, ask for a fresh one (https://blobs.example/' || id || '; HTTP 403).'
    ])[why + 1]
FROM (SELECT history.*, floor(bench.chance(number, 'error') * 3)::int AS why FROM bench.history) AS tried
WHERE bench.chance(number, 'tried') < 0.02
