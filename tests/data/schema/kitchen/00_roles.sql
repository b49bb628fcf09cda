-- Cluster-wide, so made only where they are missing and never by a schema.
DO $$
DECLARE r text;
BEGIN
  FOREACH r IN ARRAY ARRAY['sink_alice', 'sink_bob', 'sink_app', 'Sink "Quoted" é'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
      EXECUTE format('CREATE ROLE %I', r);
    END IF;
  END LOOP;
END $$;
