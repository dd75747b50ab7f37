INSERT INTO drift (workflow_id, step, path, step_type, reason, seen_at)
SELECT id, '$0', 'output.latents[3]', step_type, 'it names neither a URL nor an id', archived_at
FROM bench.history
WHERE bench.chance(number, 'drift') < 0.001
