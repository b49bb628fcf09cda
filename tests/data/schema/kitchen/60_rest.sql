-- Conversions, text search
CREATE CONVERSION sink.conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE DEFAULT CONVERSION other.conv_default FOR 'LATIN2' TO 'UTF8' FROM iso8859_to_utf8;
CREATE CONVERSION other."Conv ""q""" FOR 'WIN1252' TO 'UTF8' FROM win_to_utf8;
COMMENT ON CONVERSION sink.conv IS 'conv';
ALTER CONVERSION sink.conv OWNER TO sink_alice;
CREATE TEXT SEARCH PARSER sink.parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype, HEADLINE = prsd_headline);
CREATE TEXT SEARCH PARSER other."Parser ""q""" (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH PARSER other.third (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH TEMPLATE sink.template (INIT = dsimple_init, LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH TEMPLATE other.template (LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH TEMPLATE other."T ""q""" (INIT = dsynonym_init, LEXIZE = dsynonym_lexize);
CREATE TEXT SEARCH DICTIONARY sink.dict (TEMPLATE = sink.template, stopwords = 'english', accept = false);
CREATE TEXT SEARCH DICTIONARY sink.stem (TEMPLATE = snowball, language = 'english', stopwords = 'english');
CREATE TEXT SEARCH DICTIONARY other."Dict ""q""" (TEMPLATE = pg_catalog.simple);
CREATE TEXT SEARCH CONFIGURATION sink.config (PARSER = sink.parser);
ALTER TEXT SEARCH CONFIGURATION sink.config ADD MAPPING FOR word, asciiword WITH sink.stem, sink.dict, simple;
ALTER TEXT SEARCH CONFIGURATION sink.config ADD MAPPING FOR url WITH simple;
CREATE TEXT SEARCH CONFIGURATION other.english (COPY = pg_catalog.english);
CREATE TEXT SEARCH CONFIGURATION other."Config ""q""" (PARSER = "default");
COMMENT ON TEXT SEARCH PARSER sink.parser IS 'p';
COMMENT ON TEXT SEARCH TEMPLATE sink.template IS 't';
COMMENT ON TEXT SEARCH DICTIONARY sink.dict IS 'd';
COMMENT ON TEXT SEARCH CONFIGURATION sink.config IS 'c';
ALTER TEXT SEARCH DICTIONARY sink.dict OWNER TO sink_alice;
ALTER TEXT SEARCH CONFIGURATION sink.config OWNER TO sink_bob;
CREATE INDEX ts_idx ON sink.accounts USING gin (to_tsvector('sink.config', label));

-- Languages, transforms, access methods
CREATE FUNCTION sink.handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE FUNCTION sink.inliner(internal) RETURNS void LANGUAGE c STRICT AS '$libdir/plpgsql', 'plpgsql_inline_handler';
CREATE FUNCTION sink.validator(oid) RETURNS void LANGUAGE c STRICT AS '$libdir/plpgsql', 'plpgsql_validator';
CREATE TRUSTED LANGUAGE sinklang HANDLER sink.handler INLINE sink.inliner VALIDATOR sink.validator;
CREATE LANGUAGE "Lang ""q""" HANDLER sink.handler;
CREATE TRUSTED LANGUAGE third_lang HANDLER sink.handler VALIDATOR sink.validator;
COMMENT ON LANGUAGE sinklang IS 'lang';
ALTER LANGUAGE sinklang OWNER TO sink_alice;
GRANT USAGE ON LANGUAGE sinklang TO sink_app WITH GRANT OPTION;
REVOKE USAGE ON LANGUAGE sinklang FROM PUBLIC;
CREATE FUNCTION sink.from_sql(internal) RETURNS internal LANGUAGE internal IMMUTABLE STRICT AS 'prsd_lextype';
CREATE FUNCTION sink.to_sql(internal) RETURNS sink.base LANGUAGE internal IMMUTABLE STRICT AS 'textrecv';
CREATE TRANSFORM FOR sink.base LANGUAGE sinklang (FROM SQL WITH FUNCTION sink.from_sql(internal), TO SQL WITH FUNCTION sink.to_sql(internal));
CREATE TRANSFORM FOR sink.point3 LANGUAGE sinklang (FROM SQL WITH FUNCTION sink.from_sql(internal));
CREATE TRANSFORM FOR sink.base LANGUAGE third_lang (TO SQL WITH FUNCTION sink.to_sql(internal));
COMMENT ON TRANSFORM FOR sink.base LANGUAGE sinklang IS 'transform';
CREATE FUNCTION sink.transformed(a sink.base, b sink.point3) RETURNS integer LANGUAGE sinklang TRANSFORM FOR TYPE sink.base, FOR TYPE sink.point3 AS 'BEGIN RETURN 1; END';
CREATE ACCESS METHOD sink_heap TYPE TABLE HANDLER heap_tableam_handler;
CREATE ACCESS METHOD sink_btree TYPE INDEX HANDLER bthandler;
CREATE ACCESS METHOD "AM ""q""" TYPE TABLE HANDLER heap_tableam_handler;
COMMENT ON ACCESS METHOD sink_heap IS 'am';
CREATE TABLE sink.other_am (a int, b text) USING sink_heap;
CREATE MATERIALIZED VIEW sink.mat_am USING "AM ""q""" AS SELECT 1 AS a;

-- Foreign data
CREATE FOREIGN DATA WRAPPER sink_fdw OPTIONS (debug 'true', "Odd" 'a''b');
CREATE FOREIGN DATA WRAPPER "Fdw ""q""" VALIDATOR postgresql_fdw_validator;
CREATE FOREIGN DATA WRAPPER third_fdw;
CREATE SERVER sink_server TYPE 'kind' VERSION '1.2' FOREIGN DATA WRAPPER sink_fdw OPTIONS (host 'here', "Port" '5432');
CREATE SERVER "Server ""q""" FOREIGN DATA WRAPPER "Fdw ""q""";
CREATE SERVER third_server FOREIGN DATA WRAPPER third_fdw;
CREATE USER MAPPING FOR PUBLIC SERVER sink_server OPTIONS (who 'me');
CREATE USER MAPPING FOR sink_app SERVER sink_server OPTIONS (password 'secret', username 'app');
CREATE USER MAPPING FOR "Sink ""Quoted"" é" SERVER "Server ""q""";
COMMENT ON FOREIGN DATA WRAPPER sink_fdw IS 'fdw';
COMMENT ON SERVER sink_server IS 'server';
ALTER SERVER sink_server OWNER TO sink_alice;
GRANT USAGE ON FOREIGN DATA WRAPPER sink_fdw TO sink_app WITH GRANT OPTION;
GRANT USAGE ON FOREIGN SERVER sink_server TO sink_bob;
CREATE FOREIGN TABLE sink.remote (id integer OPTIONS (column_name 'ID', "Odd" 'x') NOT NULL, label text COLLATE "C" DEFAULT 'r', n int GENERATED ALWAYS AS (id + 1) STORED, CONSTRAINT remote_check CHECK (id > 0)) SERVER sink_server OPTIONS (schema_name 's', table_name 'it''s');
CREATE FOREIGN TABLE other."Remote ""q""" () SERVER "Server ""q""";
CREATE FOREIGN TABLE sink.remote_child (own int) INHERITS (sink.base_table) SERVER third_server;
CREATE FOREIGN TABLE sink.remote_part PARTITION OF sink.lists FOR VALUES IN ('ok') SERVER third_server OPTIONS (x 'y');
ALTER FOREIGN TABLE sink.remote ALTER COLUMN label SET STATISTICS 9;
ALTER FOREIGN TABLE sink.remote ALTER COLUMN label SET STORAGE PLAIN;
COMMENT ON FOREIGN TABLE sink.remote IS 'remote';
COMMENT ON COLUMN sink.remote.label IS 'remote column';
ALTER FOREIGN TABLE sink.remote OWNER TO sink_bob;
GRANT SELECT ON sink.remote TO sink_app;
GRANT SELECT (id) ON sink.remote TO sink_alice;
CREATE TRIGGER remote_trigger BEFORE INSERT ON sink.remote FOR EACH ROW EXECUTE FUNCTION sink.touch();

-- Publications and subscriptions
CREATE PUBLICATION sink_all FOR ALL TABLES WITH (publish = 'insert, delete');
CREATE PUBLICATION sink_some FOR TABLE ONLY sink.full_log, ONLY sink.circle (a) WHERE (a > 5), sink.events WITH (publish_via_partition_root = true);
CREATE PUBLICATION "Pub ""q""" FOR TABLES IN SCHEMA other, "Odd Schema.with ""quotes""" WITH (publish = '');
CREATE PUBLICATION sink_empty;
COMMENT ON PUBLICATION sink_some IS 'pub';
CREATE SUBSCRIPTION sink_sub CONNECTION 'host=nowhere dbname=x password=''p q''' PUBLICATION a, "B" WITH (connect = false, slot_name = 'slot_x', binary = true, streaming = on, two_phase = true, disable_on_error = true, synchronous_commit = 'remote_apply');
CREATE SUBSCRIPTION "Sub ""q""" CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE);
CREATE SUBSCRIPTION sink_third CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false);
COMMENT ON SUBSCRIPTION sink_sub IS 'sub';

-- Default privileges
ALTER DEFAULT PRIVILEGES FOR ROLE sink_alice IN SCHEMA sink GRANT SELECT ON TABLES TO sink_app;
ALTER DEFAULT PRIVILEGES FOR ROLE sink_alice REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE sink_bob GRANT USAGE ON SCHEMAS TO sink_app WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE sink_bob IN SCHEMA other GRANT USAGE ON SEQUENCES TO PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE sink_bob REVOKE USAGE ON TYPES FROM PUBLIC;

-- Privileges on what the system made
GRANT SELECT ON pg_catalog.pg_authid TO sink_app;
REVOKE EXECUTE ON FUNCTION pg_catalog.pg_ls_waldir() FROM pg_monitor;
REVOKE SELECT ON pg_catalog.pg_proc FROM PUBLIC;
GRANT SELECT ON pg_catalog.pg_proc TO PUBLIC, sink_app;
GRANT CREATE ON SCHEMA public TO sink_app;
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
COMMENT ON SCHEMA public IS 'ours now';

-- Last, because they see what is made behind them
CREATE EVENT TRIGGER sink_watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE') EXECUTE FUNCTION sink.watch();
CREATE EVENT TRIGGER "Watch ""q""" ON sql_drop EXECUTE FUNCTION sink.watch();
CREATE EVENT TRIGGER sink_rewrite ON table_rewrite EXECUTE FUNCTION sink.watch();
ALTER EVENT TRIGGER sink_watch DISABLE;
ALTER EVENT TRIGGER sink_rewrite ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER sink_watch IS 'watch';
