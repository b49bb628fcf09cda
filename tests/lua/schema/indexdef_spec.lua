local indexdef = require "moonpool.schema.indexdef"

describe("reading keys of an index definition", function()
  it("takes columns, collations, classes and orders apart", function()
    local text = [[CREATE UNIQUE INDEX "x USING (" ON public."t USING y" USING btree (a, "B c" COLLATE "C" text_pattern_ops DESC, ]]
      .. [[lower((b)::text) public.my_ops (siglen='12', x=y) NULLS FIRST, ((a + 1)) DESC NULLS LAST) INCLUDE (z) WHERE (a > 0)]]
    assert.same({
      "a",
      { column = "B c", collation = '"C"', opclass = "text_pattern_ops", desc = true },
      { expression = "lower((b)::text)", opclass = "public.my_ops", opclass_options = "siglen='12', x=y", nulls = "first" },
      { expression = "((a + 1))", desc = true, nulls = "last" },
    }, indexdef.keys(text, { "a", "B c", false, false }))
  end)

  it("steps over strings and quoted names with parentheses in them", function()
    local text = [[CREATE INDEX i ON t USING gin (COALESCE("a)(", 'x''(y'::text), (E'\\\'(' || b)) WITH (fillfactor='70')]]
    assert.same({ { expression = [[COALESCE("a)(", 'x''(y'::text)]] }, { expression = [[(E'\\\'(' || b)]] } },
      indexdef.keys(text, { false, false }))
  end)

  it("reads the operators of an exclusion constraint", function()
    local text = [[EXCLUDE USING gist (room WITH =, during WITH &&, p WITH OPERATOR(public.&&)) WHERE (room > 0)]]
    assert.same({ { column = "room", operator = "=" }, { column = "during", operator = "&&" },
      { column = "p", operator = "OPERATOR(public.&&)" } }, indexdef.keys(text, { "room", "during", "p" }))
  end)

  it("refuses a text that does not fit", function()
    assert.has_error(function() indexdef.keys("CREATE INDEX i ON t USING btree (a)", { "b" }) end)
    assert.has_error(function() indexdef.keys("CREATE INDEX i ON t USING btree (a, b)", { "a" }) end)
  end)
end)
