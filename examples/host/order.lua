--- What to order: hosted by main.cpp, which sets `db` and `enough` and reads the list that is returned.

return db:query("select name, :enough - pieces as pieces from stock where pieces < :enough order by name",
  { enough = enough }):all()
