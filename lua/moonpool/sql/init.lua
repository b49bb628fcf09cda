--- The face of this floor: what `moonpool` hands out under its own names.

local cond = require "moonpool.sql.cond"
local expression = require "moonpool.sql.expression"
local identifier = require "moonpool.sql.identifier"
local scopes = require "moonpool.sql.scopes"
require "moonpool.sql.window" -- gives expressions their `over`

return {
  raw = expression.raw,
  cond = cond,
  scopes = scopes,
  quote = identifier.quote,
}
