-- Points for regulars. The column comes empty, is filled in small transactions, and is indexed without
-- stopping anybody from buying: each of these is a step of its own, taken up where it was left.

return {
  up = function(m)
    m:add_column("customers", "points", "integer")
    m:backfill("customers", { points = 0 }, { batch = 1000 })
    m:set_default("customers", "points", 0)
    m:set_not_null("customers", "points")
    m:create_index("customers", { "points desc" }, { concurrently = true, where = "points > 0" })
    m:exec([[update customers c set points = earned.points
      from (select o.customer_id, sum(i.quantity * i.price)::integer as points
            from orders o join order_items i on i.order_id = o.id
            where o.status = any(?) group by o.customer_id) earned
      where earned.customer_id = c.id]], { "paid", "shipped" })
  end,
  down = function(m) m:drop_column("customers", "points") end, -- the index goes with it
}
