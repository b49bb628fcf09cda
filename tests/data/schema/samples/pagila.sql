-- A shop that rents films: enums, domains, a partitioned table, full text, an aggregate, views over views, triggers.
CREATE TYPE public.mpaa_rating AS ENUM ('G', 'PG', 'PG-13', 'R', 'NC-17');
CREATE DOMAIN public.year AS integer CONSTRAINT year_check CHECK (VALUE >= 1901 AND VALUE <= 2155);
CREATE DOMAIN public.bounded_text AS text CHECK (length(VALUE) < 10000);

CREATE FUNCTION public._joined(text, text) RETURNS text LANGUAGE sql IMMUTABLE AS $_$
  SELECT CASE WHEN $2 IS NULL THEN $1 WHEN $1 IS NULL THEN $2 ELSE $1 || ', ' || $2 END
$_$;
CREATE AGGREGATE public.joined(text) (SFUNC = public._joined, STYPE = text);
CREATE FUNCTION public.last_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.last_update = CURRENT_TIMESTAMP;
  RETURN NEW;
END $$;
CREATE FUNCTION public.last_day(timestamptz) RETURNS date LANGUAGE sql IMMUTABLE STRICT AS $_$
  SELECT (date_trunc('month', $1) + interval '1 month - 1 day')::date
$_$;

CREATE TABLE public.language (
  language_id serial PRIMARY KEY, name character(20) NOT NULL, last_update timestamptz DEFAULT now() NOT NULL
);
CREATE TABLE public.country (country_id serial PRIMARY KEY, country text NOT NULL, last_update timestamptz DEFAULT now() NOT NULL);
CREATE TABLE public.city (
  city_id serial PRIMARY KEY, city text NOT NULL, last_update timestamptz DEFAULT now() NOT NULL,
  country_id integer NOT NULL REFERENCES public.country ON UPDATE CASCADE ON DELETE RESTRICT
);
CREATE TABLE public.address (
  address_id serial PRIMARY KEY, address text NOT NULL, address2 text, district text NOT NULL, postal_code text, phone text NOT NULL,
  city_id integer NOT NULL REFERENCES public.city ON UPDATE CASCADE ON DELETE RESTRICT, last_update timestamptz DEFAULT now() NOT NULL
);
CREATE TABLE public.actor (
  actor_id serial PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL, last_update timestamptz DEFAULT now() NOT NULL
);
CREATE INDEX idx_actor_last_name ON public.actor (last_name);
CREATE TABLE public.category (category_id serial PRIMARY KEY, name text NOT NULL, last_update timestamptz DEFAULT now() NOT NULL);
CREATE SEQUENCE public.film_film_id_seq;
CREATE TABLE public.film (
  film_id integer DEFAULT nextval('public.film_film_id_seq') PRIMARY KEY, title text NOT NULL, description public.bounded_text,
  release_year public.year, language_id integer NOT NULL REFERENCES public.language ON UPDATE CASCADE ON DELETE RESTRICT,
  original_language_id integer REFERENCES public.language ON UPDATE CASCADE ON DELETE RESTRICT,
  rental_duration smallint DEFAULT 3 NOT NULL, rental_rate numeric(4,2) DEFAULT 4.99 NOT NULL, length smallint,
  replacement_cost numeric(5,2) DEFAULT 19.99 NOT NULL, rating public.mpaa_rating DEFAULT 'G', special_features text[],
  fulltext tsvector NOT NULL, last_update timestamptz DEFAULT now() NOT NULL, CHECK (rental_rate >= 0 AND length IS DISTINCT FROM 0)
);
CREATE INDEX film_fulltext_idx ON public.film USING gist (fulltext);
CREATE INDEX idx_title ON public.film (title);
CREATE INDEX idx_fk_language_id ON public.film (language_id);
CREATE TABLE public.film_actor (
  actor_id integer REFERENCES public.actor ON UPDATE CASCADE ON DELETE RESTRICT,
  film_id integer REFERENCES public.film ON UPDATE CASCADE ON DELETE RESTRICT,
  last_update timestamptz DEFAULT now() NOT NULL, PRIMARY KEY (actor_id, film_id)
);
CREATE TABLE public.film_category (
  film_id integer REFERENCES public.film ON UPDATE CASCADE ON DELETE RESTRICT,
  category_id integer REFERENCES public.category ON UPDATE CASCADE ON DELETE RESTRICT,
  last_update timestamptz DEFAULT now() NOT NULL, PRIMARY KEY (film_id, category_id)
);
CREATE TABLE public.store (
  store_id serial PRIMARY KEY, manager_staff_id integer NOT NULL, address_id integer NOT NULL REFERENCES public.address,
  last_update timestamptz DEFAULT now() NOT NULL
);
CREATE UNIQUE INDEX idx_unq_manager_staff_id ON public.store (manager_staff_id);
CREATE TABLE public.staff (
  staff_id serial PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL, address_id integer NOT NULL REFERENCES public.address,
  email text, store_id integer NOT NULL REFERENCES public.store, active boolean DEFAULT true NOT NULL, username text NOT NULL,
  password text, last_update timestamptz DEFAULT now() NOT NULL, picture bytea
);
ALTER TABLE public.store ADD FOREIGN KEY (manager_staff_id) REFERENCES public.staff;
CREATE TABLE public.customer (
  customer_id serial PRIMARY KEY, store_id integer NOT NULL REFERENCES public.store, first_name text NOT NULL, last_name text NOT NULL,
  email text, address_id integer NOT NULL REFERENCES public.address, activebool boolean DEFAULT true NOT NULL,
  create_date date DEFAULT CURRENT_DATE NOT NULL, last_update timestamptz DEFAULT now(), active integer
);
CREATE TABLE public.inventory (
  inventory_id serial PRIMARY KEY, film_id integer NOT NULL REFERENCES public.film, store_id integer NOT NULL REFERENCES public.store,
  last_update timestamptz DEFAULT now() NOT NULL
);
CREATE INDEX idx_store_id_film_id ON public.inventory (store_id, film_id);
CREATE TABLE public.rental (
  rental_id serial PRIMARY KEY, rental_date timestamptz NOT NULL, inventory_id integer NOT NULL REFERENCES public.inventory,
  customer_id integer NOT NULL REFERENCES public.customer, return_date timestamptz, staff_id integer NOT NULL REFERENCES public.staff,
  last_update timestamptz DEFAULT now() NOT NULL, rental_period tstzrange GENERATED ALWAYS AS (tstzrange(rental_date, return_date)) STORED,
  EXCLUDE USING gist (int4range(inventory_id, inventory_id, '[]') WITH =, tstzrange(rental_date, return_date) WITH &&)
);
CREATE UNIQUE INDEX idx_unq_rental ON public.rental (rental_date, inventory_id, customer_id);
CREATE TABLE public.payment (
  payment_id serial NOT NULL, customer_id integer NOT NULL REFERENCES public.customer, staff_id integer NOT NULL REFERENCES public.staff,
  rental_id integer NOT NULL REFERENCES public.rental, amount numeric(5,2) NOT NULL, payment_date timestamptz NOT NULL,
  PRIMARY KEY (payment_date, payment_id)
) PARTITION BY RANGE (payment_date);
DO $$ BEGIN
  FOR m IN 1..7 LOOP
    EXECUTE format('CREATE TABLE public.payment_p2022_%s PARTITION OF public.payment FOR VALUES FROM (%L) TO (%L)',
      lpad(m::text, 2, '0'), make_timestamptz(2022, m, 1, 0, 0, 0, 'UTC'), make_timestamptz(2022, m + 1, 1, 0, 0, 0, 'UTC'));
    EXECUTE format('CREATE INDEX ON public.payment_p2022_%s (customer_id)', lpad(m::text, 2, '0'));
  END LOOP;
END $$;
CREATE INDEX payment_staff ON public.payment (staff_id);

CREATE FUNCTION public.inventory_held_by_customer(p_inventory_id integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE v_customer_id integer;
BEGIN
  SELECT customer_id INTO v_customer_id FROM public.rental WHERE return_date IS NULL AND inventory_id = p_inventory_id;
  RETURN v_customer_id;
END $$;
CREATE FUNCTION public.film_in_stock(p_film_id integer, p_store_id integer, OUT p_film_count integer) RETURNS SETOF integer
  LANGUAGE sql STABLE AS $_$ SELECT inventory_id FROM public.inventory WHERE film_id = $1 AND store_id = $2 $_$;
CREATE FUNCTION public.rewards_report(min_purchases integer, min_amount numeric) RETURNS SETOF public.customer LANGUAGE plpgsql
  SECURITY DEFINER SET search_path TO public AS $_$ BEGIN RETURN; END $_$;

CREATE VIEW public.actor_info AS
  SELECT a.actor_id, a.first_name, a.last_name, public.joined(DISTINCT (c.name || ': ' || (
    SELECT public.joined(f.title) FROM public.film f JOIN public.film_category fc2 USING (film_id)
    WHERE fc2.category_id = c.category_id))) AS film_info
  FROM public.actor a LEFT JOIN public.film_actor fa ON a.actor_id = fa.actor_id
    LEFT JOIN public.film_category fc ON fa.film_id = fc.film_id LEFT JOIN public.category c ON fc.category_id = c.category_id
  GROUP BY a.actor_id, a.first_name, a.last_name;
CREATE VIEW public.customer_list AS
  SELECT cu.customer_id AS id, (cu.first_name || ' ') || cu.last_name AS name, a.postal_code AS "zip code", city.city,
    CASE WHEN cu.activebool THEN 'active' ELSE '' END AS notes, cu.store_id AS sid
  FROM public.customer cu JOIN public.address a USING (address_id) JOIN public.city USING (city_id);
CREATE VIEW public.sales_by_store AS
  SELECT c.city || ',' || cy.country AS store, sum(p.amount) AS total_sales
  FROM public.payment p JOIN public.rental r USING (rental_id) JOIN public.inventory i USING (inventory_id)
    JOIN public.store s USING (store_id) JOIN public.address a ON s.address_id = a.address_id JOIN public.city c USING (city_id)
    JOIN public.country cy USING (country_id)
  GROUP BY cy.country, c.city, s.store_id ORDER BY cy.country, c.city;
CREATE MATERIALIZED VIEW public.rental_by_category AS
  SELECT c.name AS category, sum(p.amount) AS total_sales
  FROM public.payment p JOIN public.rental r USING (rental_id) JOIN public.inventory i USING (inventory_id)
    JOIN public.film f USING (film_id) JOIN public.film_category fc USING (film_id) JOIN public.category c USING (category_id)
  GROUP BY c.name ORDER BY sum(p.amount) DESC WITH NO DATA;
CREATE UNIQUE INDEX rental_category ON public.rental_by_category (category);

CREATE TRIGGER film_fulltext_trigger BEFORE INSERT OR UPDATE ON public.film FOR EACH ROW
  EXECUTE FUNCTION tsvector_update_trigger('fulltext', 'pg_catalog.english', 'title', 'description');
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['actor', 'address', 'category', 'city', 'country', 'customer', 'film', 'inventory', 'language', 'rental', 'staff', 'store'] LOOP
    EXECUTE format('CREATE TRIGGER last_updated BEFORE UPDATE ON public.%I FOR EACH ROW EXECUTE FUNCTION public.last_updated()', t);
  END LOOP;
END $$;
