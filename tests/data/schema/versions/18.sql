-- What PostgreSQL 18 added.
CREATE SCHEMA v18;
CREATE TABLE v18.virtuals (a integer, b integer GENERATED ALWAYS AS (a * 2) VIRTUAL, c integer GENERATED ALWAYS AS (a * 3) STORED);
CREATE TABLE v18.not_nulls (
  a integer CONSTRAINT a_there NOT NULL, b integer NOT NULL, c integer NOT NULL NO INHERIT, d integer, e integer,
  "Odd" text NOT NULL, CONSTRAINT e_there NOT NULL e NO INHERIT
);
ALTER TABLE v18.not_nulls ADD CONSTRAINT d_there NOT NULL d NOT VALID;
COMMENT ON CONSTRAINT a_there ON v18.not_nulls IS 'named';
COMMENT ON CONSTRAINT not_nulls_b_not_null ON v18.not_nulls IS 'by default';
CREATE TABLE v18.keyed (id integer, other integer, PRIMARY KEY (id, other));
CREATE TABLE v18.parent (a integer CONSTRAINT parent_a NOT NULL, b integer NOT NULL, c integer, d integer);
CREATE TABLE v18.child (c integer CONSTRAINT child_c NOT NULL, e integer) INHERITS (v18.parent);
CREATE TABLE v18.child_own (a integer CONSTRAINT own_a NOT NULL, b integer NOT NULL) INHERITS (v18.parent);
CREATE TABLE v18.child_set () INHERITS (v18.parent);
ALTER TABLE v18.child_set ALTER COLUMN d SET NOT NULL;
CREATE TABLE v18.grandchild () INHERITS (v18.child_set, v18.child);
CREATE TABLE v18.parted (id integer CONSTRAINT parted_id NOT NULL, at date NOT NULL, x integer) PARTITION BY RANGE (at);
CREATE TABLE v18.part_1 PARTITION OF v18.parted (x CONSTRAINT x_there NOT NULL) FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE v18.part_2 (x integer, at date NOT NULL, id integer CONSTRAINT mine NOT NULL);
ALTER TABLE v18.parted ATTACH PARTITION v18.part_2 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA public;
CREATE TABLE v18.temporal (id integer, during daterange, CONSTRAINT temporal_pk PRIMARY KEY (id, during WITHOUT OVERLAPS),
  other integer, CONSTRAINT temporal_uq UNIQUE (other, during WITHOUT OVERLAPS));
CREATE TABLE v18.refers (id integer, during daterange,
  CONSTRAINT refers_fk FOREIGN KEY (id, PERIOD during) REFERENCES v18.temporal (id, PERIOD during));
CREATE TABLE v18.unenforced (id integer PRIMARY KEY, a integer CONSTRAINT a_sane CHECK (a > 0) NOT ENFORCED,
  b integer CONSTRAINT b_fk REFERENCES v18.unenforced NOT ENFORCED);
CREATE TABLE v18.parted_fk (id integer, r integer) PARTITION BY LIST (id);
CREATE TABLE v18.parted_fk_1 PARTITION OF v18.parted_fk FOR VALUES IN (1);
ALTER TABLE v18.parted_fk ADD CONSTRAINT later_fk FOREIGN KEY (r) REFERENCES v18.unenforced NOT VALID;
CREATE PUBLICATION v18_pub FOR TABLE v18.virtuals WITH (publish_generated_columns = stored);
CREATE FOREIGN DATA WRAPPER v18_fdw;
CREATE SERVER v18_server FOREIGN DATA WRAPPER v18_fdw;
CREATE FOREIGN TABLE v18.remote (a integer CONSTRAINT remote_a NOT NULL, b integer NOT NULL) SERVER v18_server;
CREATE TYPE v18.kind AS (a integer, b text);
CREATE TABLE v18.typed OF v18.kind (a WITH OPTIONS CONSTRAINT typed_a NOT NULL);
