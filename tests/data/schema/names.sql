-- Names that look like something else, in every place a name can stand. `public` is not called so here.
SET check_function_bodies = off;
ALTER SCHEMA public RENAME TO "Öffentlich";
CREATE SCHEMA "public";
DROP SCHEMA "public";
CREATE SCHEMA "select";
CREATE SCHEMA "a.b";
CREATE SCHEMA "😀 ""q"" ";
CREATE TYPE "a.b"."enum;type" AS ENUM ('', ' ', 'a''b', '"', '\', '😀', 'NULL');
CREATE DOMAIN "select"."order" AS text DEFAULT 'a"b\' CONSTRAINT "check" CHECK (VALUE <> ';') CONSTRAINT "a.b" CHECK (true);
CREATE TYPE "select"."Row" AS ("a.b" integer, "select" "select"."order", "x""y" "a.b"."enum;type"[]);
CREATE SEQUENCE "a.b"."1st";
CREATE TABLE "select"."table" (
  "order" integer PRIMARY KEY, "a.b" text UNIQUE, "A" "select"."Row", "a" integer DEFAULT nextval('"a.b"."1st"'),
  "üü" "a.b"."enum;type" DEFAULT 'a''b', "new
line" integer, "tab	ulator" integer, "--" integer CHECK ("--" > 0), "/*" integer, "$1" integer, "?" integer, ":name" integer,
  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" integer UNIQUE,
  "ééééééééééééééééééééééééééééééé" integer GENERATED ALWAYS AS IDENTITY
);
CREATE TABLE "a.b"."xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" (
  id serial PRIMARY KEY, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" bigserial UNIQUE,
  "user" integer REFERENCES "select"."table" ("order"), CHECK ("user" > 0), CHECK ("user" < 9)
);
CREATE TABLE "😀 ""q"" "."b.c" (LIKE "select"."table" INCLUDING ALL);
CREATE TABLE "😀 ""q"" "."where" ("in" integer) PARTITION BY LIST ("in");
CREATE TABLE "😀 ""q"" "."where_1" PARTITION OF "😀 ""q"" "."where" FOR VALUES IN (1);
CREATE TABLE "Öffentlich".child ("own ""col""" integer) INHERITS ("a.b"."xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
CREATE INDEX "an index" ON "select"."table" (("A"), lower("a.b"), "order" DESC) WHERE "a.b" <> ') WHERE (';
CREATE INDEX ON "select"."table" (("order" + 1), ("a" * 2));
CREATE VIEW "a.b"."view ""x""" AS SELECT t."order" AS "select", t."a.b" AS "b.a", ("A")."a.b" AS "from" FROM "select"."table" t;
CREATE MATERIALIZED VIEW "select"."from" AS SELECT "select" AS "group" FROM "a.b"."view ""x""";
CREATE FUNCTION "a.b"."f(x)"("order" integer, "A b" "select"."Row", OUT "out" text) LANGUAGE plpgsql
  SET search_path TO "a.b", "😀 ""q"" ", 'select' AS '/* '' */ BEGIN END $$ $_$ \';
CREATE FUNCTION "select"."trigger"() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER "WHEN (true)" BEFORE UPDATE OF "a.b", "order" ON "select"."table" FOR EACH ROW
  WHEN (NEW."a.b" <> 'EXECUTE FUNCTION x()') EXECUTE FUNCTION "select"."trigger"('a,b', '''', '\', 'é', '');
CREATE RULE "rule.name" AS ON DELETE TO "select"."table" DO INSTEAD NOTHING;
CREATE POLICY "policy on x" ON "select"."table" FOR SELECT TO PUBLIC USING ("a.b" = 'TO PUBLIC');
CREATE STATISTICS "a.b"."stat ""s""" ON "order", "a" FROM "select"."table";
CREATE OPERATOR "a.b".<-> (FUNCTION = int4pl, LEFTARG = integer, RIGHTARG = integer);
CREATE COLLATION "a.b"."C" (provider = libc, locale = 'C');
CREATE TABLE "select".collated (a text COLLATE "a.b"."C", b "select"."order" COLLATE "C");
CREATE INDEX ON "select".collated (a COLLATE "POSIX", b COLLATE "a.b"."C", (a || 'x') COLLATE "C");
CREATE PUBLICATION "pub.x" FOR TABLE "select"."table" ("order", "a.b") WHERE ("order" > 1);
COMMENT ON COLUMN "select"."table"."a.b" IS E'\\ '' " $$ \n\t 😀';
COMMENT ON CONSTRAINT "check" ON DOMAIN "select"."order" IS '';
