CREATE SCHEMA sink;
-- Two functions with bodies the server parses, each naming the other
CREATE FUNCTION sink.ping(n integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION sink.pong(n integer) RETURNS integer LANGUAGE sql RETURN CASE WHEN n > 0 THEN sink.ping(n - 1) ELSE 0 END;
CREATE OR REPLACE FUNCTION sink.ping(n integer) RETURNS integer LANGUAGE sql RETURN CASE WHEN n > 0 THEN sink.pong(n - 1) ELSE 0 END;
-- Tables that refer to each other, a default that reads a view of its own table, a check that calls a function of it.
CREATE TABLE public.egg (id integer PRIMARY KEY, hen integer);
CREATE TABLE public.hen (id integer PRIMARY KEY, egg integer NOT NULL REFERENCES public.egg);
ALTER TABLE public.egg ADD FOREIGN KEY (hen) REFERENCES public.hen DEFERRABLE;
CREATE VIEW public.eggs AS SELECT count(*) AS n FROM public.egg;
CREATE FUNCTION public.egg_count() RETURNS bigint LANGUAGE sql STABLE RETURN (SELECT n FROM public.eggs);
ALTER TABLE public.egg ALTER COLUMN hen SET DEFAULT public.egg_count();
CREATE FUNCTION public.sound(public.egg) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
ALTER TABLE public.egg ADD CHECK (public.sound(egg.*));
CREATE INDEX ON public.egg (public.sound(egg.*));
