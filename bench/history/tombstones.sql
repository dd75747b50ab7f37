INSERT INTO tombstones (deleted_at, rule, what, workflow_id, step, path, digest, size)
VALUES (now(), 'older than a year', 'result', '8484131-20200101000000000', '$0', 'output.images[0]', sha256(''), 900000)
