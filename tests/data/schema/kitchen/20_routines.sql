CREATE FUNCTION sink.plain(a integer, b text DEFAULT 'x''y', OUT c integer, INOUT d numeric DEFAULT 1.5, VARIADIC e text[] DEFAULT '{}')
  RETURNS record LANGUAGE plpgsql AS $_$ BEGIN c := 1; /* $$ and $1 inside */ END $_$;
CREATE FUNCTION sink.rows_of(n integer) RETURNS TABLE(id integer, "Label" text) LANGUAGE sql STABLE ROWS 42 COST 7
  PARALLEL SAFE STRICT AS $$ SELECT i, i::text FROM generate_series(1, n) i $$;
CREATE FUNCTION sink.set_of() RETURNS SETOF sink.point3 LANGUAGE sql AS 'SELECT NULL::sink.point3';
CREATE FUNCTION sink.secure(text) RETURNS text LANGUAGE sql IMMUTABLE SECURITY DEFINER LEAKPROOF PARALLEL RESTRICTED
  SET search_path TO 'sink', "$user", 'with space', "Odd Schema.with ""quotes""" SET work_mem TO '4MB' SET "my.setting" TO 'va''lue'
  AS 'SELECT $1';
CREATE FUNCTION sink.no_path() RETURNS int LANGUAGE sql SET search_path TO '' SET DateStyle TO 'ISO, DMY' AS 'SELECT 1';
CREATE FUNCTION sink.atomic(a integer, b integer DEFAULT 2) RETURNS integer LANGUAGE sql IMMUTABLE
  RETURN a + b;
CREATE FUNCTION sink.atomic2(a integer) RETURNS integer LANGUAGE sql
  BEGIN ATOMIC SELECT sink.atomic(a, 3); SELECT sink.atomic(a); END;
CREATE FUNCTION other."Weird Name!"("Arg One" integer, "select" text) RETURNS void LANGUAGE sql AS '';
CREATE FUNCTION other.overloaded(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION other.overloaded(text) RETURNS integer LANGUAGE sql AS 'SELECT 2';
CREATE FUNCTION other.overloaded() RETURNS integer LANGUAGE sql AS 'SELECT 3';
CREATE FUNCTION other.dollars() RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN $$ nested $_$ text $_$ $$; END -- $';
CREATE FUNCTION other.polymorphic(anyelement, anyarray) RETURNS anyelement LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION other.win(integer) RETURNS bigint LANGUAGE internal WINDOW IMMUTABLE STRICT AS 'window_row_number';
CREATE FUNCTION other.supported(integer) RETURNS SETOF integer LANGUAGE internal STRICT SUPPORT generate_series_int4_support
  AS 'generate_series_step_int4';
CREATE FUNCTION sink.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE FUNCTION sink.watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE PROCEDURE sink.act(IN a integer, INOUT b text DEFAULT 'z') LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;
CREATE PROCEDURE sink.act2() LANGUAGE sql BEGIN ATOMIC END;
CREATE PROCEDURE other."Odd Proc"(OUT x integer) LANGUAGE plpgsql SET lock_timeout TO '1s' AS $$ BEGIN x := 1; END $$;
COMMENT ON FUNCTION sink.plain(integer, text, numeric, text[]) IS 'plain';
COMMENT ON PROCEDURE sink.act(integer, text) IS 'acts';
ALTER FUNCTION sink.secure(text) OWNER TO sink_alice;
ALTER PROCEDURE sink.act2() OWNER TO sink_bob;
REVOKE ALL ON FUNCTION sink.secure(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sink.secure(text) TO sink_app, sink_bob WITH GRANT OPTION;
GRANT EXECUTE ON PROCEDURE sink.act(integer, text) TO "Sink ""Quoted"" é";
REVOKE ALL ON FUNCTION sink.rows_of(integer) FROM PUBLIC, CURRENT_USER;

-- Aggregates
CREATE FUNCTION sink.add(numeric, numeric) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT $1 + $2';
CREATE FUNCTION sink.sub(numeric, numeric) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT $1 - $2';
CREATE FUNCTION sink.final(numeric, numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE AGGREGATE sink.total(numeric) (SFUNC = sink.add, STYPE = numeric, SSPACE = 64, INITCOND = '0', COMBINEFUNC = sink.add,
  FINALFUNC = sink.final, FINALFUNC_EXTRA, FINALFUNC_MODIFY = SHAREABLE,
  MSFUNC = sink.add, MINVFUNC = sink.sub, MSTYPE = numeric, MSSPACE = 32, MFINALFUNC = sink.final, MFINALFUNC_EXTRA,
  MFINALFUNC_MODIFY = READ_WRITE, MINITCOND = '0', PARALLEL = SAFE);
CREATE FUNCTION sink.bump(bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
CREATE AGGREGATE sink.how_many(*) (SFUNC = sink.bump, STYPE = bigint, INITCOND = '0');
CREATE AGGREGATE sink.smallest(integer) (SFUNC = int4smaller, STYPE = integer, SORTOP = OPERATOR(pg_catalog.<), COMBINEFUNC = int4smaller, PARALLEL = RESTRICTED);
CREATE AGGREGATE other.percentile(float8 ORDER BY float8) (SFUNC = ordered_set_transition, STYPE = internal,
  FINALFUNC = percentile_cont_float8_final);
CREATE AGGREGATE other.my_rank(VARIADIC "any" ORDER BY VARIADIC "any") (SFUNC = ordered_set_transition_multi, STYPE = internal,
  FINALFUNC = rank_final, FINALFUNC_EXTRA, HYPOTHETICAL);
CREATE AGGREGATE other.avg_like(numeric) (SFUNC = numeric_avg_accum, STYPE = internal, FINALFUNC = numeric_avg,
  COMBINEFUNC = numeric_avg_combine, SERIALFUNC = numeric_avg_serialize, DESERIALFUNC = numeric_avg_deserialize);
COMMENT ON AGGREGATE sink.total(numeric) IS 'sum';
COMMENT ON AGGREGATE sink.how_many(*) IS 'count';
ALTER AGGREGATE other.percentile(float8 ORDER BY float8) OWNER TO sink_alice;
REVOKE ALL ON FUNCTION sink.total(numeric) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sink.how_many() TO sink_app;

-- Operators, families, classes
CREATE FUNCTION sink.point_eq(sink.point3, sink.point3) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT ($1).x = ($2).x';
CREATE FUNCTION sink.point_ne(sink.point3, sink.point3) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT ($1).x <> ($2).x';
CREATE FUNCTION sink.point_lt(sink.point3, sink.point3) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT ($1).x < ($2).x';
CREATE FUNCTION sink.point_gt(sink.point3, sink.point3) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT ($1).x > ($2).x';
CREATE FUNCTION sink.point_cmp(sink.point3, sink.point3) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 0';
CREATE FUNCTION sink.point_hash(sink.point3) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 0';
CREATE FUNCTION sink.point_not(sink.point3) RETURNS sink.point3 LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE OPERATOR sink.=== (FUNCTION = sink.point_eq, LEFTARG = sink.point3, RIGHTARG = sink.point3, COMMUTATOR = OPERATOR(sink.===),
  NEGATOR = OPERATOR(sink.!==), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR sink.!== (FUNCTION = sink.point_ne, LEFTARG = sink.point3, RIGHTARG = sink.point3, COMMUTATOR = OPERATOR(sink.!==),
  NEGATOR = OPERATOR(sink.===), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR sink.<<< (FUNCTION = sink.point_lt, LEFTARG = sink.point3, RIGHTARG = sink.point3, COMMUTATOR = OPERATOR(sink.>>>));
CREATE OPERATOR sink.>>> (FUNCTION = sink.point_gt, LEFTARG = sink.point3, RIGHTARG = sink.point3, COMMUTATOR = OPERATOR(sink.<<<));
CREATE OPERATOR other.!! (FUNCTION = sink.point_not, RIGHTARG = sink.point3);
CREATE OPERATOR other.&&& (FUNCTION = sink.point_eq, LEFTARG = sink.point3, RIGHTARG = sink.point3, COMMUTATOR = OPERATOR(other.|||));
COMMENT ON OPERATOR sink.=== (sink.point3, sink.point3) IS 'same x';
COMMENT ON OPERATOR other.!! (NONE, sink.point3) IS 'not';
ALTER OPERATOR sink.<<< (sink.point3, sink.point3) OWNER TO sink_bob;
CREATE OPERATOR CLASS sink.point_ops DEFAULT FOR TYPE sink.point3 USING btree AS
  OPERATOR 1 sink.<<<, OPERATOR 3 sink.===, OPERATOR 5 sink.>>>, FUNCTION 1 sink.point_cmp(sink.point3, sink.point3);
CREATE OPERATOR FAMILY sink."Hash Family" USING hash;
CREATE OPERATOR CLASS sink.point_hash_ops FOR TYPE sink.point3 USING hash FAMILY sink."Hash Family" AS
  OPERATOR 1 sink.===, FUNCTION 1 sink.point_hash(sink.point3);
CREATE OPERATOR FAMILY other.loose USING btree;
ALTER OPERATOR FAMILY other.loose USING btree ADD
  OPERATOR 1 <(int4, int8), OPERATOR 3 =(int4, int8), FUNCTION 1 (int4, int8) btint48cmp(int4, int8);
CREATE OPERATOR FAMILY other.unused USING gist;
CREATE OPERATOR CLASS other.ints_by_gin FOR TYPE integer[] USING gin AS STORAGE integer,
  OPERATOR 1 &&(anyarray, anyarray), FUNCTION 1 btint4cmp(int4, int4), FUNCTION 2 ginarrayextract(anyarray, internal),
  FUNCTION 3 ginqueryarrayextract(anyarray, internal, smallint, internal, internal, internal, internal),
  FUNCTION 4 ginarrayconsistent(internal, smallint, anyarray, integer, internal, internal, internal, internal);
COMMENT ON OPERATOR CLASS sink.point_ops USING btree IS 'by x';
COMMENT ON OPERATOR FAMILY sink."Hash Family" USING hash IS 'by hash';
ALTER OPERATOR CLASS sink.point_hash_ops USING hash OWNER TO sink_alice;
ALTER OPERATOR FAMILY other.loose USING btree OWNER TO sink_bob;
