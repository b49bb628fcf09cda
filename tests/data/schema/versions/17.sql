-- What PostgreSQL 17 added.
CREATE SCHEMA v17;
CREATE COLLATION v17.plain (provider = builtin, locale = 'C.UTF-8');
CREATE TABLE v17.parted (id integer GENERATED ALWAYS AS IDENTITY, at date, room int4range) PARTITION BY RANGE (at);
CREATE TABLE v17.part_1 PARTITION OF v17.parted FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE v17.part_2 (at date, room int4range, id integer NOT NULL);
ALTER TABLE v17.parted ATTACH PARTITION v17.part_2 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA public;
ALTER TABLE v17.parted ADD CONSTRAINT no_overlap EXCLUDE USING gist (at WITH =, room WITH &&);
GRANT MAINTAIN ON v17.parted TO sink_app;
GRANT ALL ON v17.part_1 TO sink_app;
CREATE DOMAIN v17.named AS integer CONSTRAINT must_be NOT NULL;
COMMENT ON CONSTRAINT must_be ON DOMAIN v17.named IS 'named';
CREATE DOMAIN v17.plain AS integer NOT NULL CHECK (VALUE > 0);
CREATE VIEW v17.json AS SELECT j.* FROM JSON_TABLE('[{"a": 1}]'::jsonb, '$[*]' COLUMNS (a integer PATH '$.a')) j;
CREATE MATERIALIZED VIEW v17.mat AS SELECT 1 AS one;
CREATE SUBSCRIPTION v17_sub CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false, failover = true);
