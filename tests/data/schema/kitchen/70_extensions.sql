-- What extensions own is told by the extension; what depends on one by a mark.
CREATE EXTENSION hstore WITH SCHEMA other VERSION '1.8';
CREATE EXTENSION btree_gist WITH SCHEMA sink;
CREATE EXTENSION ltree WITH SCHEMA "Odd Schema.with ""quotes""";
COMMENT ON EXTENSION hstore IS 'our pairs';
COMMENT ON EXTENSION ltree IS NULL;
CREATE FUNCTION sink.needs() RETURNS integer LANGUAGE sql AS 'SELECT 1';
ALTER FUNCTION sink.needs() DEPENDS ON EXTENSION hstore;
ALTER FUNCTION sink.needs() DEPENDS ON EXTENSION ltree;
CREATE PROCEDURE sink.needs_too() LANGUAGE sql AS '';
ALTER PROCEDURE sink.needs_too() DEPENDS ON EXTENSION hstore;
ALTER INDEX sink.mat_expr DEPENDS ON EXTENSION hstore;
ALTER MATERIALIZED VIEW sink.mat DEPENDS ON EXTENSION hstore;
ALTER TRIGGER t_builtin ON sink.orders DEPENDS ON EXTENSION hstore;
CREATE TABLE sink.pairs (
  id integer PRIMARY KEY, tags other.hstore DEFAULT '"a"=>"b"'::other.hstore, tree "Odd Schema.with ""quotes""".ltree,
  room integer, EXCLUDE USING gist (room WITH =, tree WITH OPERATOR("Odd Schema.with ""quotes""".=))
);
CREATE INDEX pairs_tags ON sink.pairs USING gin (tags);
CREATE INDEX pairs_tree ON sink.pairs USING gist (tree "Odd Schema.with ""quotes""".gist_ltree_ops (siglen = 100));
CREATE VIEW sink.pairs_view AS SELECT tags OPERATOR(other.->) 'a' AS a FROM sink.pairs;
REVOKE EXECUTE ON FUNCTION other.akeys(other.hstore) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION other.akeys(other.hstore) TO sink_app;

-- What is seldom seen
CREATE TYPE sink.typmod;
CREATE FUNCTION sink.typmod_in(cstring, oid, integer) RETURNS sink.typmod LANGUAGE internal IMMUTABLE STRICT AS 'varcharin';
CREATE FUNCTION sink.typmod_out(sink.typmod) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'varcharout';
CREATE TYPE sink.typmod (INPUT = sink.typmod_in, OUTPUT = sink.typmod_out, TYPMOD_IN = varchartypmodin,
  TYPMOD_OUT = varchartypmodout, ANALYZE = array_typanalyze, CATEGORY = 'U', PREFERRED = true);
CREATE TYPE sink.pair_of;
CREATE FUNCTION sink.pair_in(cstring) RETURNS sink.pair_of LANGUAGE internal IMMUTABLE STRICT AS 'point_in';
CREATE FUNCTION sink.pair_out(sink.pair_of) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'point_out';
CREATE TYPE sink.pair_of (INPUT = sink.pair_in, OUTPUT = sink.pair_out, INTERNALLENGTH = 16, ALIGNMENT = double,
  ELEMENT = float8, SUBSCRIPT = raw_array_subscript_handler);
CREATE FUNCTION other.full_procedure_settings() RETURNS void LANGUAGE plpgsql VOLATILE COST 1000 AS 'BEGIN END';
CREATE FOREIGN TABLE sink.remote_unsafe (a integer) INHERITS (sink.remote_child) SERVER third_server;
COMMENT ON INDEX sink.pairs_pkey IS 'the index, not the key';
COMMENT ON CONSTRAINT pairs_pkey ON sink.pairs IS 'the key, not the index';
