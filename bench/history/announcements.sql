INSERT INTO announcements (day, source, in_time, late, lost)
SELECT (now() AT TIME ZONE 'UTC')::date - day, source, 330, 3, 1
FROM generate_series(0, :days - 1) AS day, unnest('{main,batch,site,NULL}'::text[]) AS source
