--- Statements of somebody's own in a wish. They are no fact: what they make is read back as what it is.

local M = { kind = "sql" }

function M.label(fact)
  return "SQL " .. fact.name
end

function M.create(fact, e)
  for _, statement in ipairs(fact.statements) do e:add(statement.sql) end
end

return M
