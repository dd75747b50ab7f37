-- What is drawn by chance about each workflow of a busy account: the table bench.history, from which the other files here
-- fill their tables. Chance is a hash of the workflow's number and of what is drawn, so it falls the same every time.
-- The newest ten minutes hold work that is still due, held or waiting. Given are how many workflows and days.
CREATE SCHEMA bench;

CREATE FUNCTION bench.chance(number bigint, what text) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (hashint8extended(number, hashtextextended(what, 1)) & 9007199254740991) / 9007199254740992.0::double precision;

COMMENT ON FUNCTION bench.chance IS 'From 0 to 1, always the same for the same arguments';

CREATE FUNCTION bench.seconds(number bigint, what text, median double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN median * exp(0.8 * sqrt(-2 * ln(1 - bench.chance(number, what)))
                    * cos(6.283185307179586 * bench.chance(number, what || ' too')));

COMMENT ON FUNCTION bench.seconds IS 'As long as things take: mostly about the median, sometimes many times as long';

CREATE FUNCTION bench.digest(number bigint, place integer, what text) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN sha256(int8send(number) || int4send(place) || convert_to(what, 'UTF8'));

CREATE FUNCTION bench.prompt() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN repeat('a lighthouse at dawn, oil on canvas, long shadows, film grain, muted colours, wide angle ', 6);

CREATE UNLOGGED TABLE bench.history AS
SELECT
    number,
    '8484131-' || to_char(at, 'YYYYMMDD') || lpad(number::text, 9, '0') AS id,
    at,
    work.*,
    is_open,
    CASE WHEN is_open THEN 'processing' WHEN bench.chance(number, 'failed') < 0.04 THEN 'failed' ELSE 'succeeded' END
        AS status,
    at + bench.seconds(number, 'run', 12) * interval '1 second' AS ended_at,
    at + (bench.seconds(number, 'run', 12) + bench.seconds(number, 'lag', 1.6)) * interval '1 second' AS archived_at,
    (ARRAY['main', 'batch', 'site'])[1 + floor(bench.chance(number, 'source') * 3)::int] AS source,
    (ARRAY['pg', 'pg13', 'r', 'x', 'xxx'])[1 + floor(bench.chance(number, 'level') * 5)::int] AS nsfw_level,
    'Civitai had an error of its own, try again later (fetch workflow ' || number || '; HTTP 503).' AS error,
    NOT is_open AND number % 2000 = 0 AS is_late,
    NOT is_open AND number % 2000 <> 0 AND bench.chance(number, 'dead') < 0.0001 AS is_dead
FROM (
    SELECT
        number,
        now() - (:workflows - number) * age AS at,
        (:workflows - number) * age < interval '10 minutes' AND bench.chance(number, 'open') < 0.5 AS is_open
    FROM generate_series(0, :workflows - 1) AS number, (SELECT interval '1 day' * :days / :workflows AS age) AS pace
) AS workflow
JOIN (
    VALUES  -- of a hundred workflows those from .. to: step type, engine, kind of content, bytes of one
        (0, 40, 'textToImage', NULL, 'image', 900000),
        (40, 65, 'imageGen', 'flux2', 'image', 1800000),
        (65, 75, 'imageGen', 'gemini', 'image', 1500000),
        (75, 80, 'imageGen', 'openai', 'image', 2200000),
        (80, 92, 'videoGen', 'wan', 'video', 9000000),
        (92, 97, 'videoGen', 'kling', 'video', 14000000),
        (97, 99.9, 'textToSpeech', NULL, 'audio', 400000),
        (99.9, 100, 'dreamWeaving', NULL, 'image', 700000)  -- which this release does not know
) AS work (share_from, share_to, step_type, engine, kind, bytes)
    ON bench.chance(number, 'work') * 100 >= share_from AND bench.chance(number, 'work') * 100 < share_to
ORDER BY number;

-- A result that repeats the one in the same place of the workflow before: one in eight.
CREATE VIEW bench.places AS
SELECT
    history.*,
    place,
    copied,
    CASE
        WHEN is_open THEN 'pending'
        WHEN status = 'failed' THEN CASE WHEN chance < 0.5 THEN 'gone' ELSE 'withheld' END
        WHEN chance < 0.01 THEN 'withheld'
        WHEN chance < 0.012 THEN 'gone'
        WHEN chance < 0.0125 THEN 'dead'
        ELSE 'stored'
    END AS how,
    bench.digest(number - copied, place, 'object') AS digest
FROM bench.history
CROSS JOIN LATERAL (
    SELECT
        place,
        CASE WHEN place = 3 AND number % 2 = 1 THEN 1 ELSE 0 END AS copied,
        bench.chance(number, 'how ' || place) AS chance
    FROM generate_series(0, 3) AS place
) AS drawn
