CREATE SCHEMA sink;
-- Two functions with bodies the server parses, each naming the other
CREATE FUNCTION sink.ping(n integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION sink.pong(n integer) RETURNS integer LANGUAGE sql RETURN CASE WHEN n > 0 THEN sink.ping(n - 1) ELSE 0 END;
CREATE OR REPLACE FUNCTION sink.ping(n integer) RETURNS integer LANGUAGE sql RETURN CASE WHEN n > 0 THEN sink.pong(n - 1) ELSE 0 END;
