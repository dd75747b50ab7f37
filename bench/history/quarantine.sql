INSERT INTO quarantine (digest, source, parameters, body, reason, first_received_at, last_received_at, deliveries)
SELECT bench.digest(number, 0, 'quarantine'), source, '{}', '{"no": "event"}', 'it has no workflowId', at, at, 1
FROM bench.history
WHERE number % 10000 = 0
