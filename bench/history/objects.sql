INSERT INTO objects (digest, size, media_type, width, height, stored_at, verified_at, damaged_at)
SELECT
    digest,
    floor(bytes * (0.5 + bench.chance(number, 'size ' || place))),
    kind || '/x-bench',
    1024,
    1024,
    archived_at,
    CASE WHEN bench.chance(number, 'verified ' || place) < 0.5 THEN archived_at END,
    CASE WHEN (number + place) % 200000 = 0 THEN now() END
FROM bench.places
WHERE copied = 0
