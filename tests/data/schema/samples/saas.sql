-- Many customers in one database: row security, roles and default privileges, domains, ranges that must not overlap,
-- publications, foreign tables, event triggers, generated columns, temporal history by rules and triggers.
CREATE SCHEMA app;
CREATE SCHEMA private;
CREATE SCHEMA audit;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA app TO sink_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT, INSERT ON TABLES TO sink_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT USAGE ON SEQUENCES TO sink_app;
ALTER DEFAULT PRIVILEGES FOR ROLE sink_alice REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
CREATE EXTENSION btree_gist WITH SCHEMA private;
CREATE EXTENSION citext WITH SCHEMA private;
CREATE EXTENSION postgres_fdw WITH SCHEMA private;
CREATE DOMAIN app.email AS private.citext CONSTRAINT email_at CHECK (VALUE OPERATOR(private.~) '^[^@]+@[^@]+$'::private.citext);
CREATE DOMAIN app.cents AS bigint DEFAULT 0 NOT NULL CONSTRAINT not_negative CHECK (VALUE >= 0);
CREATE DOMAIN app.currency AS char(3) CHECK (VALUE = upper(VALUE)) CHECK (length(VALUE) = 3);
CREATE TYPE app.plan AS ENUM ('free', 'team', 'enterprise');
ALTER TYPE app.plan ADD VALUE 'trial' BEFORE 'free';
CREATE TYPE app.money AS (amount app.cents, currency app.currency);
CREATE TYPE app.span AS RANGE (subtype = timestamptz, multirange_type_name = app.spans);
CREATE FUNCTION private.tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE RETURN current_setting('app.tenant', true)::uuid;
CREATE FUNCTION private.is_admin() RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path TO '' AS $fn$
BEGIN
  RETURN pg_catalog.pg_has_role(session_user, 'pg_monitor', 'MEMBER');
END;
$fn$;
REVOKE ALL ON FUNCTION private.is_admin() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION private.is_admin() TO sink_app;
CREATE TABLE app.tenants (
  id uuid DEFAULT gen_random_uuid() PRIMARY KEY, name text NOT NULL CHECK (name <> ''), plan app.plan DEFAULT 'trial' NOT NULL,
  slug text GENERATED ALWAYS AS (lower(regexp_replace(name, '[^a-zA-Z0-9]+'::text, '-'::text, 'g'::text))) STORED UNIQUE,
  billing app.money DEFAULT ROW(0, 'EUR')::app.money, features jsonb DEFAULT '{"seats": 1, "beta": []}' NOT NULL,
  created_at timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL
);
CREATE TABLE app.users (
  tenant_id uuid DEFAULT private.tenant() NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
  id bigint GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME app.user_numbers START 1000 INCREMENT 5 CACHE 10),
  email app.email NOT NULL, roles text[] DEFAULT ARRAY['member'] NOT NULL, manager_id bigint, last_seen inet,
  PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, email) INCLUDE (roles),
  CONSTRAINT manager FOREIGN KEY (tenant_id, manager_id) REFERENCES app.users (tenant_id, id) ON DELETE SET NULL (manager_id),
  CONSTRAINT known_roles CHECK (roles <@ ARRAY['member', 'admin', 'owner'])
);
CREATE TABLE app.bookings (
  tenant_id uuid DEFAULT private.tenant() NOT NULL, id bigserial, room integer NOT NULL, during app.span NOT NULL, booked_by bigint,
  price app.money, note text COLLATE "C",
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, booked_by) REFERENCES app.users DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT one_at_a_time EXCLUDE USING gist (tenant_id WITH =, room WITH =, during WITH &&) WHERE (note IS DISTINCT FROM 'waiting'),
  CONSTRAINT has_price CHECK ((price).amount >= 0 OR price IS NULL)
);
ALTER TABLE app.tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.users FORCE ROW LEVEL SECURITY;
ALTER TABLE app.bookings ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON app.tenants USING (id = private.tenant() OR private.is_admin());
CREATE POLICY own_users ON app.users AS PERMISSIVE FOR SELECT TO sink_app USING (tenant_id = private.tenant());
CREATE POLICY no_strangers ON app.users AS RESTRICTIVE TO sink_app, sink_bob USING (EXISTS (
  SELECT 1 FROM app.tenants t WHERE t.id = users.tenant_id AND t.plan <> 'free')) WITH CHECK (tenant_id = private.tenant());
CREATE POLICY book ON app.bookings FOR INSERT WITH CHECK (booked_by = (SELECT max(u.id) FROM app.users u WHERE u.email = CURRENT_USER::private.citext));
GRANT SELECT, UPDATE (name, features) ON app.tenants TO sink_app;
GRANT ALL ON app.bookings TO sink_bob WITH GRANT OPTION;
REVOKE INSERT ON app.users FROM sink_app;

CREATE TABLE audit.log (
  at timestamptz DEFAULT clock_timestamp() NOT NULL, actor name DEFAULT CURRENT_USER, relation regclass, old_row jsonb, new_row jsonb
) PARTITION BY RANGE (at);
CREATE TABLE audit.log_default PARTITION OF audit.log DEFAULT;
CREATE UNLOGGED TABLE audit.staging (LIKE audit.log INCLUDING DEFAULTS);
CREATE INDEX ON audit.log USING brin (at) WITH (pages_per_range = 32, autosummarize = on);
CREATE FUNCTION audit.record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO audit.log (relation, old_row, new_row) VALUES (TG_RELID, to_jsonb(OLD), to_jsonb(NEW));
  RETURN COALESCE(NEW, OLD);
END $$;
CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE ON app.users FOR EACH ROW EXECUTE FUNCTION audit.record('x', 'it''s');
CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON app.users FOR EACH STATEMENT EXECUTE FUNCTION audit.record();
CREATE CONSTRAINT TRIGGER late_audit AFTER UPDATE OF price ON app.bookings DEFERRABLE FOR EACH ROW
  WHEN (((OLD.price).amount IS DISTINCT FROM (NEW.price).amount)) EXECUTE FUNCTION audit.record();
ALTER TABLE app.users ENABLE ALWAYS TRIGGER audit;
CREATE RULE keep AS ON DELETE TO audit.staging DO INSTEAD NOTHING;
CREATE VIEW app.my_bookings WITH (security_barrier, security_invoker) AS
  SELECT b.id, b.room, lower(b.during) AS starts, upper(b.during) AS ends, u.email, sum((b.price).amount) OVER (PARTITION BY b.room ORDER BY b.during) AS running
  FROM app.bookings b LEFT JOIN app.users u ON u.tenant_id = b.tenant_id AND u.id = b.booked_by WHERE b.tenant_id = private.tenant();
CREATE VIEW app.open_bookings AS SELECT * FROM app.bookings WHERE booked_by IS NULL WITH LOCAL CHECK OPTION;
CREATE FUNCTION app.book() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER book INSTEAD OF INSERT ON app.my_bookings FOR EACH ROW EXECUTE FUNCTION app.book();
CREATE SERVER billing FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'billing.internal', dbname 'billing', fetch_size '1000');
CREATE USER MAPPING FOR sink_app SERVER billing OPTIONS (user 'app', password 'hunter2');
CREATE FOREIGN TABLE app.invoices (id bigint NOT NULL, tenant_id uuid OPTIONS (column_name 'customer'), total numeric(12,2), due date DEFAULT CURRENT_DATE,
  CONSTRAINT positive CHECK (total >= 0)) SERVER billing OPTIONS (schema_name 'public', table_name 'invoice');
CREATE PUBLICATION changes FOR TABLE app.users (tenant_id, id, email) WHERE (manager_id IS NULL), app.bookings WITH (publish = 'insert, update');
ALTER TABLE app.bookings REPLICA IDENTITY FULL;
CREATE STATISTICS app.users_tenant (ndistinct, dependencies) ON tenant_id, email FROM app.users;
CREATE PROCEDURE app.close_tenant(INOUT id uuid, reason text DEFAULT NULL) LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN COMMIT; END $$;
COMMENT ON TABLE app.tenants IS E'One row a customer.\n\nSee "billing" for prices.';
COMMENT ON COLUMN app.tenants.billing IS 'what they pay';
COMMENT ON POLICY own_tenant ON app.tenants IS 'admins see all';
COMMENT ON DOMAIN app.cents IS 'never euros';
COMMENT ON INDEX app.users_tenant_id_email_roles_key IS 'the login';
CREATE FUNCTION audit.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE EVENT TRIGGER no_drop ON sql_drop WHEN TAG IN ('DROP TABLE', 'DROP SCHEMA') EXECUTE FUNCTION audit.on_ddl();
ALTER EVENT TRIGGER no_drop DISABLE;
