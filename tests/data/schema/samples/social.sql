-- A network of people: ids made of time, a default that calls a function with a sequence in it, lateral and window
-- views, trigram and expression indexes, many-column keys, arrays, materialized views on each other.
CREATE EXTENSION pg_trgm;
CREATE EXTENSION hstore;
CREATE SEQUENCE public.accounts_id_seq;
CREATE FUNCTION public.timestamp_id(table_name text) RETURNS bigint LANGUAGE plpgsql AS $_$
  DECLARE
    time_part bigint;
    sequence_base bigint;
    tail bigint;
  BEGIN
    time_part := (date_part('epoch', now()) * 1000)::bigint << 16;
    sequence_base := ('x' || substr(md5(table_name || '0123' || time_part::text), 1, 4))::bit(16)::bigint;
    tail := ((sequence_base + nextval(table_name || '_id_seq')) & 65535);
    RETURN time_part | tail; -- $1 is not used
  END
$_$;
CREATE TABLE accounts (
  id bigint DEFAULT timestamp_id('accounts') NOT NULL PRIMARY KEY, username varchar DEFAULT '' NOT NULL, domain varchar,
  note text DEFAULT '' NOT NULL, locked boolean DEFAULT false NOT NULL, fields jsonb, also_known_as varchar[],
  silenced_at timestamp(6), suspended_at timestamp(6) without time zone, moved_to bigint REFERENCES accounts ON DELETE SET NULL,
  actor_type varchar, discoverable boolean, hide_collections boolean, extra hstore DEFAULT ''::hstore,
  CONSTRAINT lower_domain CHECK (domain = lower(domain) AND domain !~ '\s')
);
ALTER SEQUENCE accounts_id_seq OWNED BY accounts.id;
CREATE UNIQUE INDEX index_accounts_on_username_and_domain_lower ON accounts (lower(username), COALESCE(lower(domain), ''));
CREATE INDEX search_index ON accounts USING gin ((((setweight(to_tsvector('simple', note), 'A') ||
  setweight(to_tsvector('simple', username), 'B')) || setweight(to_tsvector('simple', COALESCE(domain, '')), 'C'))));
CREATE INDEX ON accounts USING gist (username gist_trgm_ops(siglen = 32), domain gist_trgm_ops);
CREATE INDEX ON accounts USING gin (extra, also_known_as array_ops);
CREATE INDEX ON accounts (moved_to) WHERE moved_to IS NOT NULL;
CREATE INDEX ON accounts ((fields ->> 'name'), (fields #>> '{a,b}'));
CREATE INDEX ON accounts (date_trunc('day', suspended_at), (actor_type IS NOT NULL) DESC NULLS LAST);
CREATE TABLE statuses (
  id bigint DEFAULT timestamp_id('accounts') NOT NULL, account_id bigint NOT NULL, uri varchar, text text DEFAULT '' NOT NULL,
  in_reply_to_id bigint, reblog_of_id bigint, visibility integer DEFAULT 0 NOT NULL, sensitive boolean DEFAULT false NOT NULL,
  language varchar(8), conversation_id bigint, deleted_at timestamp, edited_at timestamp, media bigint[] DEFAULT '{}' NOT NULL,
  created_at timestamp DEFAULT CURRENT_TIMESTAMP NOT NULL
);
ALTER TABLE ONLY statuses ADD CONSTRAINT statuses_pkey PRIMARY KEY (id);
CREATE INDEX index_statuses_20190820 ON statuses (account_id, id DESC, visibility, created_at) WHERE deleted_at IS NULL;
CREATE INDEX index_statuses_local ON statuses (id DESC, account_id) WHERE ((uri IS NULL OR uri = '') AND deleted_at IS NULL AND visibility = 0 AND reblog_of_id IS NULL AND (NOT sensitive OR in_reply_to_id IS NULL));
CREATE INDEX index_statuses_prefix ON statuses (uri text_pattern_ops) WHERE uri IS NOT NULL;
ALTER TABLE statuses ADD CONSTRAINT fk_reply FOREIGN KEY (in_reply_to_id) REFERENCES statuses(id) ON DELETE SET NULL NOT VALID;
ALTER TABLE statuses ADD CONSTRAINT fk_reblog FOREIGN KEY (reblog_of_id) REFERENCES statuses(id) ON DELETE CASCADE;
ALTER TABLE statuses ADD CONSTRAINT fk_account FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE;
CREATE TABLE status_stats (status_id bigint PRIMARY KEY REFERENCES statuses ON DELETE CASCADE, replies bigint DEFAULT 0 NOT NULL,
  favs bigint DEFAULT 0 NOT NULL, trend double precision DEFAULT 'NaN') WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01);
CREATE TABLE follows (account_id bigint NOT NULL, target_account_id bigint NOT NULL, show_reblogs boolean DEFAULT true NOT NULL,
  languages varchar[], PRIMARY KEY (account_id, target_account_id), CHECK (account_id <> target_account_id),
  FOREIGN KEY (account_id) REFERENCES accounts ON DELETE CASCADE, FOREIGN KEY (target_account_id) REFERENCES accounts ON DELETE CASCADE);
CREATE MATERIALIZED VIEW instances AS
  WITH domain_counts(domain, accounts_count) AS (SELECT domain, COUNT(*) FROM accounts WHERE domain IS NOT NULL GROUP BY domain)
  SELECT domain, accounts_count FROM domain_counts UNION SELECT 'x', 0 ORDER BY 1;
CREATE UNIQUE INDEX ON instances (domain);
CREATE INDEX ON instances (reverse('.' || domain), domain);
CREATE MATERIALIZED VIEW account_summaries AS
  SELECT a.id AS account_id, mode() WITHIN GROUP (ORDER BY t.language) AS language, mode() WITHIN GROUP (ORDER BY t.sensitive) AS sensitive
  FROM accounts a CROSS JOIN LATERAL (SELECT s.language, s.sensitive FROM statuses s
    WHERE s.account_id = a.id AND s.deleted_at IS NULL AND s.reblog_of_id IS NULL ORDER BY s.id DESC LIMIT 20) t
  WHERE a.suspended_at IS NULL AND a.discoverable = 't' GROUP BY a.id WITH NO DATA;
CREATE UNIQUE INDEX index_account_summaries ON account_summaries (account_id);
CREATE MATERIALIZED VIEW follow_recommendations AS
  SELECT account_id, sum(rank) AS rank, array_agg(reason) AS reason FROM (
    SELECT s.account_id, count(f.target_account_id) / (1.0 + count(f.target_account_id)) AS rank, 'most_followed' AS reason
    FROM follows f JOIN account_summaries s ON s.account_id = f.target_account_id LEFT JOIN instances i ON false
    WHERE NOT EXISTS (SELECT 1 FROM accounts x WHERE x.id = f.account_id AND x.silenced_at IS NOT NULL)
    GROUP BY s.account_id HAVING count(f.target_account_id) >= 5
    UNION ALL SELECT s.account_id, sum(t.favs) / (1.0 + sum(t.favs)), 'most_interactions' FROM account_summaries s
    JOIN statuses st USING (account_id) JOIN status_stats t ON t.status_id = st.id GROUP BY s.account_id) t0
  GROUP BY account_id ORDER BY rank DESC WITH NO DATA;
CREATE VIEW user_ips AS SELECT t0.id, max(t0.used_at) AS used_at, first_value(t0.id) OVER w AS f,
    row_number() OVER (w ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES), count(*) FILTER (WHERE t0.id > 3) AS some,
    CASE t0.id WHEN 1 THEN 'a' WHEN 2 THEN 'b' ELSE NULL END AS c, (ARRAY[1, 2, 3])[2:3] AS slice, t0.id::text COLLATE "C" AS t,
    GROUPING(t0.id) AS g, EXTRACT(year FROM max(t0.used_at)) AS y, (now() AT TIME ZONE 'UTC') AS z, t0.id IN (SELECT favs FROM status_stats) AS sub
  FROM (SELECT id, created_at FROM statuses UNION ALL (SELECT id, silenced_at FROM accounts EXCEPT SELECT 1, NULL)) t0(id, used_at)
  GROUP BY ROLLUP (t0.id) WINDOW w AS (ORDER BY t0.id);
CREATE VIEW thread AS WITH RECURSIVE up(id, parent, path) AS (
    SELECT id, in_reply_to_id, ARRAY[id] FROM statuses WHERE in_reply_to_id IS NULL UNION ALL
    SELECT s.id, s.in_reply_to_id, path || s.id FROM up JOIN statuses s ON s.in_reply_to_id = up.id WHERE NOT s.id = ANY (path)
  ) SEARCH DEPTH FIRST BY id SET ordercol CYCLE id SET is_cycle USING cycle_path
  SELECT id, parent, path FROM up;
CREATE VIEW sampled AS SELECT s.*, x.n, j.k FROM ONLY statuses s TABLESAMPLE BERNOULLI (10) REPEATABLE (42),
  ROWS FROM (generate_series(1, 3), unnest(ARRAY['a', 'b'])) WITH ORDINALITY AS x(n, u, o),
  jsonb_to_recordset('[{"k": 1}]') AS j(k int), LATERAL (VALUES (s.id, 1)) v(a, b) WHERE s.text ILIKE '%x\_%' FOR UPDATE OF s SKIP LOCKED;
