-- What PostgreSQL 16 added.
CREATE SCHEMA v16;
CREATE COLLATION v16.ruled (provider = icu, locale = 'und', rules = '&V << w <<< W');
CREATE TABLE v16.storage (a text STORAGE EXTERNAL, b jsonb STORAGE MAIN COMPRESSION pglz);
CREATE VIEW v16.json AS SELECT JSON_OBJECT('a': 1 RETURNING jsonb) AS o, '[1]'::json IS JSON ARRAY AS is_array;
CREATE SUBSCRIPTION v16_sub CONNECTION 'host=nowhere' PUBLICATION p
  WITH (connect = false, streaming = parallel, origin = none, run_as_owner = true, password_required = false);
