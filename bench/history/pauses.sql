INSERT INTO pauses (cause, since, until, reason)
VALUES ('rate', now() - interval '2 hours', now() - interval '1 hour', 'HTTP 429')
