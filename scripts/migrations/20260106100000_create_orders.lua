-- Orders and what is in them. The price of an item is the one it was sold at.

return {
  up = function(m)
    m:create_table("orders", function(t)
      t:bigint "id" :identity():primary_key()
      t:bigint "customer_id" :not_null():references("customers", "id")
      t:text "status" :not_null():default "new"
      t:timestamptz "placed_at" :not_null():default(m:raw "now()")
      t:check("status_known", "status in ('new', 'paid', 'shipped', 'cancelled')")
      t:index { "customer_id", "placed_at desc" }
    end)
    m:create_table("order_items", function(t)
      t:bigint "order_id" :not_null():references("orders", "id", { on_delete = "cascade" })
      t:bigint "product_id" :not_null():references("products", "id")
      t:integer "quantity" :not_null():check "quantity > 0"
      t:numeric("price", 10, 2):not_null()
      t:primary_key("order_id", "product_id")
      t:index { "product_id" }
    end)
  end,
  down = function(m)
    m:drop_table "order_items"
    m:drop_table "orders"
  end,
}
