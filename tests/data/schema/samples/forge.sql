-- A forge, with what a code host's dump is full of: monthly partitions in a schema of their own, hash partitions, keys
-- between partitioned tables, triggers that keep copies in step, checks that are validated later, keyset indexes.
SET check_function_bodies = false;
CREATE SCHEMA partitions_dynamic;
CREATE SCHEMA partitions_static;
COMMENT ON SCHEMA partitions_dynamic IS 'Partitions made by the application; do not touch';
CREATE EXTENSION btree_gist WITH SCHEMA public;
CREATE EXTENSION pg_trgm WITH SCHEMA public;

CREATE FUNCTION public.assign_builds_id() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
IF NEW."id" IS NOT NULL THEN
  RAISE WARNING 'Manually assigning ids is not allowed, the value will be ignored';
END IF;
NEW."id" := nextval('builds_id_seq'::regclass);
RETURN NEW;

END
$$;
CREATE TABLE public.namespaces (
  id bigint NOT NULL, name character varying NOT NULL, path character varying(255) NOT NULL, parent_id bigint,
  traversal_ids bigint[] DEFAULT '{}'::bigint[] NOT NULL, type character varying DEFAULT 'User'::character varying NOT NULL,
  visibility_level smallint DEFAULT 20, settings jsonb DEFAULT '{}'::jsonb NOT NULL, created_at timestamp without time zone,
  CONSTRAINT check_17a3a18e31 CHECK ((char_length((path)::text) <= 255))
);
CREATE SEQUENCE public.namespaces_id_seq START WITH 1 INCREMENT BY 1 NO MINVALUE NO MAXVALUE CACHE 1;
ALTER SEQUENCE public.namespaces_id_seq OWNED BY public.namespaces.id;
ALTER TABLE ONLY public.namespaces ALTER COLUMN id SET DEFAULT nextval('public.namespaces_id_seq'::regclass);
CREATE TABLE public.projects (
  id bigint NOT NULL, namespace_id bigint NOT NULL, name character varying, description text, star_count integer DEFAULT 0 NOT NULL,
  last_activity_at timestamp with time zone, archived boolean DEFAULT false NOT NULL, description_html text, pending_delete boolean DEFAULT false,
  CONSTRAINT check_fa75869cb1 CHECK ((namespace_id IS NOT NULL))
);
ALTER TABLE public.projects ADD CONSTRAINT check_1a6f946a8a CHECK ((archived IS NOT NULL)) NOT VALID;
ALTER TABLE ONLY public.projects ADD CONSTRAINT projects_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.namespaces ADD CONSTRAINT namespaces_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.namespaces ADD CONSTRAINT fk_parent FOREIGN KEY (parent_id) REFERENCES public.namespaces(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.projects ADD CONSTRAINT fk_namespace FOREIGN KEY (namespace_id) REFERENCES public.namespaces(id) ON DELETE RESTRICT NOT VALID;

CREATE FUNCTION public.find_project(project_id bigint) RETURNS public.projects LANGUAGE plpgsql STABLE COST 1 PARALLEL SAFE AS $$
BEGIN
  RETURN (SELECT projects FROM projects WHERE id = project_id LIMIT 1);
END; $$;
CREATE SEQUENCE public.builds_id_seq;
CREATE TABLE public.p_pipelines (
  id bigint NOT NULL, partition_id bigint NOT NULL, project_id bigint, sha text, status character varying, yaml_errors text,
  CONSTRAINT check_ba2d6d1f9a CHECK ((project_id IS NOT NULL))
) PARTITION BY LIST (partition_id);
CREATE TABLE public.p_builds (
  id bigint NOT NULL, partition_id bigint NOT NULL, pipeline_id bigint, name text, status text, started_at timestamptz,
  token_encrypted text, options jsonb, runner_id bigint, tag boolean, scheduled_at timestamptz,
  CONSTRAINT check_1e2fbd1b39 CHECK ((octet_length(token_encrypted) <= 4096))
) PARTITION BY LIST (partition_id);
CREATE TABLE public.builds (
  id bigint NOT NULL, name text, pipeline_id bigint, partition_id bigint NOT NULL, status text, started_at timestamptz,
  token_encrypted text, options jsonb, runner_id bigint, tag boolean, scheduled_at timestamptz,
  CONSTRAINT check_1e2fbd1b39 CHECK ((octet_length(token_encrypted) <= 4096))
) WITH (autovacuum_enabled='true', fillfactor='80');
ALTER TABLE ONLY public.p_builds ATTACH PARTITION public.builds FOR VALUES IN ('100', '101');
CREATE TABLE partitions_dynamic.builds_102 PARTITION OF public.p_builds FOR VALUES IN ('102');
CREATE TABLE partitions_dynamic.pipelines_100 PARTITION OF public.p_pipelines FOR VALUES IN ('100', '101', '102');
ALTER TABLE ONLY public.p_builds ADD CONSTRAINT p_builds_pkey PRIMARY KEY (id, partition_id);
ALTER TABLE ONLY public.builds ADD CONSTRAINT builds_pkey PRIMARY KEY (id, partition_id);
ALTER INDEX public.p_builds_pkey ATTACH PARTITION public.builds_pkey;
ALTER TABLE ONLY partitions_dynamic.builds_102 ADD CONSTRAINT builds_102_pkey PRIMARY KEY (id, partition_id);
ALTER INDEX public.p_builds_pkey ATTACH PARTITION partitions_dynamic.builds_102_pkey;
ALTER TABLE public.p_pipelines ADD CONSTRAINT p_pipelines_pkey PRIMARY KEY (id, partition_id);
ALTER TABLE public.p_builds ADD CONSTRAINT fk_d3130c9a7f_p FOREIGN KEY (partition_id, pipeline_id)
  REFERENCES public.p_pipelines(partition_id, id) ON UPDATE CASCADE ON DELETE CASCADE;
CREATE INDEX p_builds_name_idx ON ONLY public.p_builds USING btree (pipeline_id, name, started_at DESC NULLS LAST) WHERE ((status = ANY (ARRAY['running'::text, 'pending'::text])));
CREATE INDEX index_builds_name ON public.builds USING btree (pipeline_id, name, started_at DESC NULLS LAST) WHERE ((status = ANY (ARRAY['running'::text, 'pending'::text])));
ALTER INDEX public.p_builds_name_idx ATTACH PARTITION public.index_builds_name;
CREATE INDEX builds_102_name ON partitions_dynamic.builds_102 USING btree (pipeline_id, name, started_at DESC NULLS LAST) WHERE ((status = ANY (ARRAY['running'::text, 'pending'::text])));
CREATE TRIGGER assign_builds_id_trigger BEFORE INSERT ON public.p_builds FOR EACH ROW EXECUTE FUNCTION public.assign_builds_id();

CREATE TABLE public.audit_events (
  id bigint NOT NULL, created_at timestamp without time zone NOT NULL, author_id integer NOT NULL, details text, ip_address inet,
  target_type text, CONSTRAINT check_492aaa021d CHECK ((char_length(target_type) <= 255))
) PARTITION BY RANGE (created_at);
CREATE TABLE partitions_dynamic.audit_events_000000 PARTITION OF public.audit_events FOR VALUES FROM (MINVALUE) TO ('2024-01-01 00:00:00');
CREATE TABLE partitions_dynamic.audit_events_202401 PARTITION OF public.audit_events FOR VALUES FROM ('2024-01-01 00:00:00') TO ('2024-02-01 00:00:00');
ALTER TABLE public.audit_events ADD PRIMARY KEY (id, created_at);
CREATE INDEX analytics_index ON public.audit_events USING btree (created_at, author_id);
CREATE TABLE public.issue_search_data (
  project_id bigint NOT NULL, issue_id bigint NOT NULL, search_vector tsvector, namespace_id bigint
) PARTITION BY HASH (project_id);
CREATE TABLE partitions_static.issue_search_data_00 PARTITION OF public.issue_search_data FOR VALUES WITH (modulus 4, remainder 0);
CREATE TABLE partitions_static.issue_search_data_01 PARTITION OF public.issue_search_data FOR VALUES WITH (modulus 4, remainder 1);
CREATE TABLE partitions_static.issue_search_data_02 PARTITION OF public.issue_search_data FOR VALUES WITH (modulus 4, remainder 2);
CREATE TABLE partitions_static.issue_search_data_03 PARTITION OF public.issue_search_data FOR VALUES WITH (modulus 4, remainder 3);
ALTER TABLE public.issue_search_data ADD CONSTRAINT issue_search_data_pkey PRIMARY KEY (project_id, issue_id);
CREATE INDEX issue_search_data_vector ON public.issue_search_data USING gin (search_vector) WITH (fastupdate='false');
ALTER TABLE public.issue_search_data ADD CONSTRAINT issue_search_data_fk FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;
CREATE TABLE public.loose_deleted_records (
  id bigint NOT NULL, partition bigint DEFAULT 2 NOT NULL, primary_key_value bigint NOT NULL, status smallint DEFAULT 1 NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL, fully_qualified_table_name text NOT NULL,
  CONSTRAINT check_1a541f3235 CHECK ((char_length(fully_qualified_table_name) <= 150))
) PARTITION BY LIST (partition);
CREATE TABLE partitions_static.loose_deleted_records_2 PARTITION OF public.loose_deleted_records FOR VALUES IN ('2');
CREATE SEQUENCE public.loose_deleted_records_id_seq OWNED BY public.loose_deleted_records.id;
ALTER TABLE public.loose_deleted_records ALTER COLUMN id SET DEFAULT nextval('public.loose_deleted_records_id_seq'::regclass);
CREATE FUNCTION public.insert_into_loose_deleted_records() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO loose_deleted_records (fully_qualified_table_name, primary_key_value)
  SELECT TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME, old_table.id FROM old_table;
  RETURN NULL;
END $$;
CREATE TRIGGER projects_loose_fk_trigger AFTER DELETE ON public.projects REFERENCING OLD TABLE AS old_table FOR EACH STATEMENT
  EXECUTE FUNCTION public.insert_into_loose_deleted_records();
CREATE TRIGGER trigger_namespaces_traversal AFTER INSERT OR UPDATE OF parent_id ON public.namespaces FOR EACH ROW
  WHEN ((new.parent_id IS NOT NULL)) EXECUTE FUNCTION public.insert_into_loose_deleted_records();
CREATE INDEX index_projects_name_trgm ON public.projects USING gin (name public.gin_trgm_ops);
CREATE INDEX index_projects_on_lower ON public.projects USING btree (lower((name)::text) text_pattern_ops, id DESC);
CREATE UNIQUE INDEX index_namespaces_path ON public.namespaces USING btree (COALESCE(parent_id, ('-1'::integer)::bigint), lower((path)::text));
CREATE INDEX index_namespaces_traversal ON public.namespaces USING gin (traversal_ids);
CREATE INDEX index_namespaces_settings ON public.namespaces USING gin (settings jsonb_path_ops);
CREATE TABLE public.oncall_shifts (
  id bigint GENERATED BY DEFAULT AS IDENTITY, rotation_id bigint NOT NULL, participant_id bigint NOT NULL,
  starts_at timestamptz NOT NULL, ends_at timestamptz NOT NULL,
  CONSTRAINT oncall_no_overlap EXCLUDE USING gist (rotation_id WITH =, tstzrange(starts_at, ends_at, '[)'::text) WITH &&)
);
CREATE VIEW public.postgres_partitions AS
 SELECT (((n.nspname)::text || '.'::text) || (c.relname)::text) AS identifier, c.oid, n.nspname AS schema, c.relname AS name,
    pg_get_expr(c.relpartbound, c.oid) AS condition
   FROM ((pg_inherits JOIN pg_class c ON ((c.oid = pg_inherits.inhrelid))) JOIN pg_namespace n ON ((c.relnamespace = n.oid)))
  WHERE (c.relispartition AND (n.nspname = ANY (ARRAY["current_schema"(), 'partitions_dynamic'::name, 'partitions_static'::name])));
CREATE MATERIALIZED VIEW public.project_statistics AS
 SELECT p.namespace_id, count(*) AS projects, max(p.last_activity_at) AS last FROM public.projects p GROUP BY p.namespace_id WITH NO DATA;
CREATE UNIQUE INDEX project_statistics_key ON public.project_statistics USING btree (namespace_id);
ALTER TABLE ONLY public.audit_events REPLICA IDENTITY FULL;
