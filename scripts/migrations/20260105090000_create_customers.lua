-- Who buys. A customer is known by their e-mail address.

return {
  up = function(m)
    m:create_table("customers", function(t)
      t:bigint "id" :identity():primary_key()
      t:text "email" :not_null():unique()
      t:text "name" :not_null()
      t:text "city" :not_null()
      t:jsonb "preferences" :not_null():default(moonpool.object {})
      t:timestamps()
      t:check("email_has_at", "position('@' in email) > 1")
    end)
  end,
  down = function(m) m:drop_table "customers" end,
}
