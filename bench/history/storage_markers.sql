INSERT INTO storage_markers (id, chosen_at, url) VALUES ('bench', now(), 's3://bench/archive')
