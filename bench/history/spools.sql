INSERT INTO spools (name, position, replayed_at) VALUES ('1-a', 4096, now())
