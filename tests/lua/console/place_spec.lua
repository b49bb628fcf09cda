local place = require "moonpool.console.place"

local function from(environment)
  return function(name) return environment[name] end
end

describe("a place", function()
  it("is the DSN that was typed", function()
    assert.equal("host=x dbname=y", place.dsn("host=x dbname=y", nil, from {}))
    assert.equal("postgresql://h/y", place.dsn("postgresql://h/y", "host=z", from {}))
  end)

  it("is another database of this server, where a bare name is typed", function()
    assert.equal("host=x dbname=a dbname='shop'", place.dsn("shop", nil, from { MOONPOOL_PRIMARY = "host=x dbname=a" }))
    assert.equal("postgresql://u:p@h:1,i:2/shop?sslmode=require",
      place.dsn("shop", nil, from { MOONPOOL_DSN = "postgresql://u:p@h:1,i:2/old?sslmode=require", PGHOST = "no" }))
    assert.equal("postgresql://h/shop", place.dsn("shop", "postgresql://h", from { MOONPOOL_DSN = "host=x" }))
    assert.equal("dbname='shop'", place.dsn("shop", nil, from { DATABASE_URL = "", PGHOST = "h" }))
  end)

  it("is unknown where no server was named", function()
    assert.is_nil(place.dsn("shop", nil, from {}))
  end)
end)
