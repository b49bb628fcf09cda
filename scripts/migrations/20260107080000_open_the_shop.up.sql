-- The first shelf and the first week of business.
insert into products (sku, name, price, stock, tags) values
  ('LAMP-01', 'Desk lamp', 39.90, 25, '{light,desk}'),
  ('LAMP-02', 'Moon lamp', 24.50, 40, '{light,night}'),
  ('MUG-01', 'Enamel mug', 12.00, 120, '{kitchen}'),
  ('BOOK-01', 'Star atlas', 31.00, 15, '{book,night}'),
  ('TENT-01', 'Two-person tent', 189.00, 6, '{outdoor,night}');

insert into customers (email, name, city, preferences) values
  ('ada@shop.example', 'Ada Byron', 'London', '{"newsletter": true}'),
  ('grace@shop.example', 'Grace Murray', 'New York', '{"newsletter": false, "gift_wrap": true}'),
  ('alan@shop.example', 'Alan Mathison', 'London', '{}'),
  ('mary@shop.example', 'Mary Somerville', 'Edinburgh', '{"newsletter": true}');

with placed (email, status, days_ago, sku, quantity) as (values
  ('ada@shop.example', 'shipped', 6, 'LAMP-01', 1),
  ('ada@shop.example', 'paid', 1, 'BOOK-01', 2),
  ('grace@shop.example', 'shipped', 5, 'TENT-01', 1),
  ('alan@shop.example', 'cancelled', 4, 'MUG-01', 6),
  ('mary@shop.example', 'new', 0, 'LAMP-02', 3)
), made as (
  insert into orders (customer_id, status, placed_at)
  select c.id, p.status, date_trunc('day', now()) - make_interval(days => p.days_ago)
  from placed p join customers c using (email)
  returning id, customer_id, placed_at
)
insert into order_items (order_id, product_id, quantity, price)
select made.id, products.id, placed.quantity, products.price
from placed
join customers using (email)
join products using (sku)
join made on made.customer_id = customers.id
  and made.placed_at = date_trunc('day', now()) - make_interval(days => placed.days_ago);
