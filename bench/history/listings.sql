INSERT INTO listings (purpose, tags, pages, listed, reached_at, begun_at, moved_at, finished_at)
SELECT 'reconcile', '{}', 1, 20, at, at, at, at
FROM generate_series(now() - interval '1 day', now(), interval '5 minutes') AS at
