INSERT INTO results (
    workflow_id, step, path, role, blob_id, kind, width, height, nsfw_level, url, url_expires_at, blocked_reason,
    object_digest, attempts, next_attempt_at, last_error, missing_at, stored_at, withheld_at, gone_at, dead_at
)
SELECT
    id,
    '$0',
    'output.images[' || place || ']',
    'result',
    'blob-' || number - copied || '-' || place,
    kind,
    1024,
    1024,
    nsfw_level,
    'https://blobs.example/' || id || '/' || place || '?sig=bench-signature&exp=2030-01-01T00:00:00Z',
    archived_at,
    CASE WHEN how = 'withheld' THEN 'blocked' END,
    CASE WHEN how = 'stored' THEN digest END,
    CASE WHEN how = 'stored' THEN 0 ELSE 3 END,
    archived_at,
    CASE WHEN how IN ('dead', 'gone', 'pending') THEN error END,
    CASE WHEN how = 'gone' THEN archived_at END,
    CASE WHEN how = 'stored' THEN archived_at END,
    CASE WHEN how = 'withheld' THEN archived_at END,
    CASE WHEN how = 'gone' THEN archived_at END,
    CASE WHEN how = 'dead' THEN archived_at END
FROM bench.places
