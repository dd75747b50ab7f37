-- Lets dashboards in: archive_reader, which the migrations made, may log in with the password of its secret.
\set password `cat /run/secrets/reader_password`
ALTER ROLE archive_reader LOGIN PASSWORD :'password';
