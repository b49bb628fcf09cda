-- Every extension there is, and things that are made of them. One whose library cannot be loaded (Perl's, where no
-- Perl is) is none.
CREATE SCHEMA ext;
CREATE SCHEMA "Ext 2";
DO $$ DECLARE e text; BEGIN
  FOR e IN SELECT name FROM pg_available_extensions WHERE name <> 'plpgsql' ORDER BY 1 LOOP
    BEGIN
      EXECUTE format('CREATE EXTENSION IF NOT EXISTS %I WITH SCHEMA ext CASCADE', e);
    EXCEPTION WHEN undefined_file THEN
      RAISE NOTICE '%', SQLERRM;
    END;
  END LOOP;
END $$;
ALTER EXTENSION citext SET SCHEMA "Ext 2";
CREATE TABLE public.mixed (
  name "Ext 2".citext PRIMARY KEY, pairs ext.hstore DEFAULT '"a"=>"1"'::ext.hstore, path ext.ltree, place ext.cube,
  book ext.isbn13, room integer, span ext.seg, CHECK (room OPERATOR(pg_catalog.>) 0)
);
CREATE INDEX ON public.mixed USING gist (path);
CREATE INDEX ON public.mixed USING gin (room);
CREATE INDEX ON public.mixed USING gin (pairs);
CREATE INDEX ON public.mixed USING gist (room, place);
CREATE INDEX ON public.mixed USING gin ((name::text) ext.gin_trgm_ops);
CREATE INDEX ON public.mixed USING bloom (room);
CREATE INDEX ON public.mixed USING gist (path ext.gist_ltree_ops (siglen = 100));
ALTER TABLE public.mixed ADD EXCLUDE USING gist (room WITH <>, place WITH OPERATOR(ext.&&));
CREATE VIEW public.seen AS
  SELECT pairs OPERATOR(ext.->) 'a' AS x, name OPERATOR("Ext 2".=) 'X' AS y, ext.unaccent('x') FROM public.mixed;
CREATE FUNCTION public.keys_of(ext.hstore) RETURNS text LANGUAGE sql RETURN ext.akeys($1)::text;
GRANT EXECUTE ON FUNCTION ext.unaccent(text) TO pg_monitor;
REVOKE EXECUTE ON FUNCTION ext.dblink_connect(text) FROM PUBLIC;
COMMENT ON EXTENSION hstore IS 'ours';
COMMENT ON EXTENSION ltree IS NULL;
CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'x', dbname 'y', extensions 'hstore');
CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (user 'x', password 'y');
CREATE FOREIGN TABLE public.remote (a ext.hstore OPTIONS (column_name 'x')) SERVER far OPTIONS (table_name 't');
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE public.lines (a text) SERVER files OPTIONS (filename '/dev/null');
CREATE TRIGGER stamp BEFORE INSERT ON public.mixed FOR EACH ROW EXECUTE FUNCTION ext.moddatetime('room');
CREATE AGGREGATE public.joined(ext.hstore) (SFUNC = ext.hs_concat, STYPE = ext.hstore);
CREATE TYPE public.both AS (h ext.hstore, i ext.isbn);
CREATE DOMAIN public.word AS "Ext 2".citext CHECK (VALUE ~ 'x');
CREATE TEXT SEARCH CONFIGURATION public.plain (COPY = english);
ALTER TEXT SEARCH CONFIGURATION public.plain ALTER MAPPING FOR word WITH ext.unaccent, ext.intdict, english_stem;
