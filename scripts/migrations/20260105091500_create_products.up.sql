-- What is sold. The price is in the shop's currency; stock never goes below zero.
create table products (
  id bigint generated always as identity primary key,
  sku text not null unique,
  name text not null,
  price numeric(10, 2) not null check (price > 0),
  stock integer not null default 0,
  tags text[] not null default '{}',
  constraint stock_never_negative check (stock >= 0)
);

create index products_tags_idx on products using gin (tags);
