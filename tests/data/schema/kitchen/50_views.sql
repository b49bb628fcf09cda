CREATE VIEW sink.plain_view AS SELECT id, email, balance AS "Odd Alias" FROM sink.accounts WHERE balance > 0;
CREATE VIEW sink.options_view WITH (security_barrier = true, check_option = local, security_invoker = true) AS SELECT id, mood FROM sink.accounts WHERE mood = 'ok';
CREATE VIEW sink.cascaded_view AS SELECT id FROM sink.accounts WITH CASCADED CHECK OPTION;
CREATE VIEW sink.keyed_view AS SELECT a.id, a.email, count(o.*) AS n FROM sink.accounts a LEFT JOIN sink.orders o ON o.account = a.id GROUP BY a.id;
CREATE RECURSIVE VIEW other.numbers (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < 10;
CREATE VIEW other."View ""q""" AS SELECT * FROM sink.plain_view v JOIN other."Table ""q"".dot" t ON t."a.b" = v.id;
CREATE VIEW other.no_columns AS SELECT FROM sink.accounts;
ALTER VIEW sink.plain_view ALTER COLUMN "Odd Alias" SET DEFAULT 5;
ALTER VIEW sink.plain_view OWNER TO sink_bob;
COMMENT ON VIEW sink.plain_view IS 'view';
COMMENT ON COLUMN sink.plain_view.email IS 'view column';
GRANT SELECT ON sink.plain_view TO sink_app;
GRANT UPDATE (email) ON sink.plain_view TO sink_app;

-- A view that needs a function that needs the view
CREATE VIEW sink.loop_view AS SELECT 1 AS a, 'x'::text AS b;
CREATE FUNCTION sink.loop_function(sink.loop_view) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE OR REPLACE VIEW sink.loop_view AS SELECT 1 AS a, 'x'::text AS b WHERE sink.loop_function(NULL) > 0;
COMMENT ON VIEW sink.loop_view IS 'loops';
CREATE VIEW sink.loop_a AS SELECT 1 AS a;
CREATE VIEW sink.loop_b AS SELECT a FROM sink.loop_a;
CREATE OR REPLACE VIEW sink.loop_a AS SELECT 1 AS a WHERE EXISTS (SELECT a FROM sink.loop_b);
CREATE MATERIALIZED VIEW sink.mat AS SELECT id, email, balance FROM sink.accounts;
CREATE MATERIALIZED VIEW sink.mat_options WITH (fillfactor = 70, toast.autovacuum_enabled = false) AS SELECT id, label FROM sink.accounts WITH NO DATA;
CREATE MATERIALIZED VIEW other."Mat ""q""" AS SELECT m.*, 1 AS one FROM sink.mat m;
CREATE UNIQUE INDEX mat_idx ON sink.mat (id);
CREATE INDEX mat_expr ON sink.mat (lower(email));
ALTER TABLE sink.mat CLUSTER ON mat_idx;
ALTER MATERIALIZED VIEW sink.mat ALTER COLUMN email SET STATISTICS 55;
ALTER MATERIALIZED VIEW sink.mat ALTER COLUMN email SET STORAGE EXTERNAL;
ALTER MATERIALIZED VIEW sink.mat ALTER COLUMN email SET (n_distinct = -1);
COMMENT ON MATERIALIZED VIEW sink.mat IS 'mat';
ALTER MATERIALIZED VIEW sink.mat OWNER TO sink_alice;
GRANT SELECT ON sink.mat TO sink_app;

-- Rules
CREATE TABLE sink.full_log (a integer);
CREATE RULE log_insert AS ON INSERT TO sink.circle WHERE NEW.a > 5 DO ALSO INSERT INTO sink.full_log VALUES (NEW.a);
CREATE RULE "Odd ""Rule""" AS ON DELETE TO sink.circle DO INSTEAD NOTHING;
CREATE RULE many AS ON UPDATE TO sink.plain_view DO INSTEAD (UPDATE sink.accounts SET label = 'x' WHERE id = OLD.id; NOTIFY changed, 'pay;load');
COMMENT ON RULE "Odd ""Rule""" ON sink.circle IS 'rule';
ALTER TABLE sink.circle DISABLE RULE "Odd ""Rule""";
ALTER TABLE sink.circle ENABLE ALWAYS RULE log_insert;

-- Triggers
CREATE TRIGGER t_before BEFORE INSERT OR UPDATE OF label, "Odd Column" OR DELETE ON sink.accounts FOR EACH ROW WHEN (pg_trigger_depth() < 1) EXECUTE FUNCTION sink.touch('a', 'it''s', 'back\slash', '', 'é');
CREATE TRIGGER "Odd ""Trigger"" WHEN (" AFTER UPDATE ON sink.accounts FOR EACH ROW WHEN (OLD.label IS DISTINCT FROM NEW.label AND NEW.label <> ') EXECUTE FUNCTION x(') EXECUTE FUNCTION sink.touch();
CREATE TRIGGER t_truncate AFTER TRUNCATE ON sink.accounts FOR EACH STATEMENT EXECUTE FUNCTION sink.touch();
CREATE TRIGGER t_transition AFTER UPDATE ON sink.accounts REFERENCING OLD TABLE AS "Old" NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sink.touch();
CREATE CONSTRAINT TRIGGER t_constraint AFTER INSERT ON sink.orders FROM sink.accounts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sink.touch();
CREATE TRIGGER t_instead INSTEAD OF INSERT ON sink.plain_view FOR EACH ROW EXECUTE FUNCTION sink.touch();
CREATE TRIGGER t_builtin BEFORE UPDATE ON sink.orders FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
ALTER TABLE sink.accounts DISABLE TRIGGER t_before;
ALTER TABLE sink.accounts ENABLE REPLICA TRIGGER t_truncate;
ALTER TABLE sink.accounts ENABLE ALWAYS TRIGGER t_transition;
COMMENT ON TRIGGER t_before ON sink.accounts IS 'trigger';
COMMENT ON CONSTRAINT t_constraint ON sink.orders IS 'the constraint of a trigger';

-- Row security
ALTER TABLE sink.accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE sink.orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE sink.orders FORCE ROW LEVEL SECURITY;
CREATE POLICY everybody ON sink.accounts;
CREATE POLICY "Odd ""Policy""" ON sink.accounts AS RESTRICTIVE FOR UPDATE TO sink_app, "Sink ""Quoted"" é", CURRENT_USER USING (balance > 0) WITH CHECK (label = CURRENT_USER);
CREATE POLICY by_query ON sink.orders FOR SELECT USING (EXISTS (SELECT FROM sink.accounts a WHERE a.id = account));
CREATE POLICY adding ON sink.orders FOR INSERT WITH CHECK (total > 0);
CREATE POLICY removing ON sink.orders FOR DELETE TO sink_bob USING (true);
COMMENT ON POLICY everybody ON sink.accounts IS 'policy';

-- Extended statistics
CREATE STATISTICS sink.st_all ON tenant, note FROM sink.orders;
CREATE STATISTICS other."St ""q""" (ndistinct, mcv) ON room, total FROM sink.orders;
CREATE STATISTICS sink.st_expr (dependencies) ON note, (total + 1), lower(note) FROM sink.orders;
CREATE STATISTICS sink.st_one ON (total * 2) FROM sink.orders;
ALTER STATISTICS sink.st_all SET STATISTICS 333;
ALTER STATISTICS sink.st_expr OWNER TO sink_alice;
COMMENT ON STATISTICS sink.st_all IS 'stats';
