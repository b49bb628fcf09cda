#!/usr/bin/env moonpool
-- A tour of Moonpool on the sample shop (scripts/migrations): what it reads, writes, refuses and routes.
-- Run it as often as you like; it leaves the shop as it found it, but for one customer.

local moonpool = require "moonpool"

local primary = os.getenv "MOONPOOL_PRIMARY"
local db = primary and moonpool.connect { primary = primary, replicas = { os.getenv "MOONPOOL_REPLICA" } }
  or moonpool.connect()

local function chapter(title, code)
  print("\n── " .. title .. " " .. ("─"):rep(70 - #title))
  if code then print("   " .. code) end
end

local function indent(value)
  print((tostring(value):gsub("^", "   "):gsub("\n", "\n   ")))
end

if not db:query("select to_regclass('order_items') is not null"):scalar() then
  io.stderr:write "The shop is not here yet: moonpool migrate up --dir scripts/migrations\n"
  os.exit(1)
end

chapter("Rows, lazily", 'for c in db:query("select … where city = ?", "London"):each() do')
local londoners = db:query("select name, email, preferences from customers where city = ? order by name", "London")
for customer in londoners:each() do
  print(("   %-14s %-20s %s"):format(customer.name, customer.email, moonpool.json_encode(customer.preferences)))
end

chapter("A result draws itself", 'print(db:read_query("select …", { least = 30 }))')
local sales = db:read_query([[
  select p.name, sum(i.quantity) as sold, sum(i.quantity * i.price) as revenue
  from order_items i join products p on p.id = i.product_id join orders o on o.id = i.order_id
  where o.status <> 'cancelled' group by p.name having sum(i.quantity * i.price) >= :least
  order by revenue desc]], { least = 30 })
indent(sales)

chapter("Reads go to a replica, writes to the primary", "result.node")
print(("   the table above came from %s; `select now()` by query from %s")
  :format(sales.node, db:query("select now()").node))

chapter("A constraint says which one, and where", 'moonpool.try(db.exec, db, "update products set stock = -1 …")')
local _, refused = moonpool.try(db.exec, db, "update products set stock = -1 where sku = ?", "MUG-01")
indent(refused)
print(("   kind %s, constraint %s, table %s"):format(refused.kind, refused.constraint, refused.table))

chapter("A typo gets a caret", 'db:query "select nmae, price from products"')
local _, typo = moonpool.try(db.query, db, "select nmae, price from products")
indent(typo)

chapter("A transaction: an order, placed or not", 'db:transaction(function(tx) … end, { isolation = "serializable" })')
local function place(email, sku, quantity)
  return db:transaction(function(tx)
    local product = tx:query_row("select id, price from products where sku = ? for update", sku)
    local order = tx:query_row([[insert into orders (customer_id, status)
      select id, 'paid' from customers where email = ? returning id]], email)
    tx:exec("update products set stock = stock - ? where id = ?", quantity, product.id)
    tx:exec("insert into order_items values (?, ?, ?, ?)", order.id, product.id, quantity, product.price)
    return order.id
  end, { isolation = "serializable" })
end

db:exec([[insert into customers (email, name, city, preferences) values (:email, :name, :city, :preferences)
  on conflict (email) do nothing]],
  { email = "tour@shop.example", name = "A Tourist", city = "Lisbon", preferences = { newsletter = true } })
local order = place("tour@shop.example", "MUG-01", 2)
print "   two mugs: placed"
local _, too_many = moonpool.try(place, "tour@shop.example", "TENT-01", 100)
print(("   a hundred tents: %s (%s), and nothing of it was kept"):format(too_many.kind, too_many.constraint))

chapter("A batch: three statements, one round trip", "db:batch(function(b) … end)")
local answers = db:batch(function(b)
  b:add("select count(*) from orders join customers c on c.id = customer_id where email = ?", "tour@shop.example")
  b:add("delete from orders where id = ?", order)
  b:add("update products set stock = stock + 2 where sku = ?", "MUG-01")
end)
print(("   orders %d, then deleted %d and put back %d"):format(
  answers[1]:scalar(), answers[2].affected, answers[3].affected))

chapter("The nodes", "db:stats()")
for _, node in ipairs(db:stats().nodes) do print(("   %-12s %s"):format(node.name, node.role)) end

db:close()
print "\nThat was the tour.\n"
