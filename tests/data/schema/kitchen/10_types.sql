CREATE SCHEMA sink;
CREATE SCHEMA "Odd Schema.with ""quotes""" AUTHORIZATION sink_alice;
CREATE SCHEMA other AUTHORIZATION sink_bob;
COMMENT ON SCHEMA sink IS 'A comment with ''quotes'', a \backslash
and a line break.';
GRANT USAGE ON SCHEMA sink TO sink_app;
GRANT ALL ON SCHEMA sink TO sink_bob WITH GRANT OPTION;
GRANT USAGE, CREATE ON SCHEMA other TO PUBLIC;

-- Enums
CREATE TYPE sink.mood AS ENUM ('sad', 'ok', 'it''s "fine"', 'happy, really', '😀');
ALTER TYPE sink.mood ADD VALUE 'meh' BEFORE 'ok';
CREATE TYPE sink.nothing AS ENUM ();
CREATE TYPE other."Mood" AS ENUM ('a', 'A', ' ');
COMMENT ON TYPE sink.mood IS 'how one feels';
ALTER TYPE other."Mood" OWNER TO sink_alice;
REVOKE USAGE ON TYPE sink.mood FROM PUBLIC;
GRANT USAGE ON TYPE sink.mood TO sink_app WITH GRANT OPTION;

-- Collations
CREATE COLLATION sink.german (provider = libc, locale = 'C');
CREATE COLLATION sink.mixed (provider = libc, lc_collate = 'C', lc_ctype = 'POSIX');
CREATE COLLATION other.blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
COMMENT ON COLLATION other.blind IS 'ignores case';
ALTER COLLATION sink.german OWNER TO sink_bob;

-- Composite types
CREATE TYPE sink.point3 AS (x double precision, y double precision, z numeric(10,2));
CREATE TYPE sink.named AS (label text COLLATE "C", moods sink.mood[], at sink.point3);
CREATE TYPE other."Odd Type" AS ("a b" int, "select" text COLLATE other.blind);
CREATE TYPE other.empty AS ();
COMMENT ON COLUMN sink.point3.z IS 'up';
COMMENT ON TYPE sink.point3 IS 'a place';
ALTER TYPE sink.point3 OWNER TO sink_alice;
GRANT USAGE ON TYPE other."Odd Type" TO sink_app;

-- Domains
CREATE DOMAIN sink.positive AS integer CONSTRAINT positive_check CHECK (VALUE > 0);
CREATE DOMAIN sink.email AS text COLLATE "C" DEFAULT 'nobody@example.com' NOT NULL
  CONSTRAINT has_at CHECK (VALUE ~ '@'::text) CONSTRAINT not_long CHECK (length(VALUE) < 255);
CREATE DOMAIN other.moods AS sink.mood[] CHECK (array_length(VALUE, 1) < 10);
CREATE DOMAIN other.twice AS sink.positive CHECK (VALUE % 2 = 0);
ALTER DOMAIN sink.positive ADD CONSTRAINT not_huge CHECK (VALUE < 1000000) NOT VALID;
COMMENT ON DOMAIN sink.email IS 'an address';
COMMENT ON CONSTRAINT has_at ON DOMAIN sink.email IS 'the very least';
ALTER DOMAIN sink.email OWNER TO sink_bob;
REVOKE ALL ON DOMAIN sink.email FROM PUBLIC;
GRANT USAGE ON DOMAIN sink.email TO sink_alice;

-- Ranges
CREATE TYPE sink.floatrange AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE TYPE sink.textrange AS RANGE (subtype = text, collation = "C", multirange_type_name = sink."texts!");
CREATE TYPE other.patterns AS RANGE (subtype = text, subtype_opclass = text_pattern_ops);
COMMENT ON TYPE sink.floatrange IS 'from here to there';
ALTER TYPE sink.textrange OWNER TO sink_alice;

-- A base type with everything, by functions that exist
CREATE TYPE sink.base;
CREATE FUNCTION sink.base_in(cstring) RETURNS sink.base LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION sink.base_out(sink.base) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE FUNCTION sink.base_recv(internal) RETURNS sink.base LANGUAGE internal IMMUTABLE STRICT AS 'textrecv';
CREATE FUNCTION sink.base_send(sink.base) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'textsend';
CREATE TYPE sink.base (INPUT = sink.base_in, OUTPUT = sink.base_out, RECEIVE = sink.base_recv, SEND = sink.base_send,
  INTERNALLENGTH = VARIABLE, STORAGE = extended, ALIGNMENT = int4, CATEGORY = 'S', PREFERRED = false,
  DEFAULT = 'no ''thing''', DELIMITER = ';', COLLATABLE = true);
COMMENT ON TYPE sink.base IS 'text in disguise';
CREATE TYPE sink.small;
CREATE FUNCTION sink.small_in(cstring) RETURNS sink.small LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION sink.small_out(sink.small) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE sink.small (INPUT = sink.small_in, OUTPUT = sink.small_out, LIKE = integer, CATEGORY = 'X');
CREATE TYPE sink.never_defined;

-- A range whose canonical function takes the range
CREATE TYPE sink.steps;
CREATE FUNCTION sink.steps_canonical(sink.steps) RETURNS sink.steps LANGUAGE internal IMMUTABLE STRICT
  AS 'int4range_canonical';
CREATE TYPE sink.steps AS RANGE (subtype = integer, canonical = sink.steps_canonical);

-- Casts
CREATE CAST (sink.base AS text) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (text AS sink.base) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (sink.mood AS integer) WITH INOUT;
CREATE FUNCTION sink.mood_number(sink.mood) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 1::bigint';
CREATE CAST (sink.mood AS bigint) WITH FUNCTION sink.mood_number(sink.mood);
COMMENT ON CAST (sink.mood AS bigint) IS 'feelings as numbers';
