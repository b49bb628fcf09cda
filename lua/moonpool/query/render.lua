--- Statements as text: which clause stands where.

local columns = require "moonpool.query.columns"
local conflict = require "moonpool.query.conflict"
local assign = require "moonpool.query.assign"
local from = require "moonpool.query.from"
local group = require "moonpool.query.group"
local join = require "moonpool.query.join"
local limit = require "moonpool.query.limit"
local lock = require "moonpool.query.lock"
local misuse = require "moonpool.sql.misuse"
local order = require "moonpool.query.order"
local setop = require "moonpool.query.setop"
local values = require "moonpool.query.values"
local where = require "moonpool.query.where"
local windows = require "moonpool.query.windows"
local with = require "moonpool.query.with"
local writer = require "moonpool.sql.writer"

local kinds = writer.kinds

local function select_body(out, at, base)
  out:put "select "
  columns.render_distinct(out, at, base)
  if at.columns then columns.render(out, at.columns, base) else out:put "*" end
  from.render(out, at, base, " from ")
  join.render(out, at, base)
  where.render(out, at, base, where.WHERE)
  group.render(out, at, base)
  where.render(out, at, base, where.HAVING)
  windows.render(out, at, base)
end

function kinds.select(out, at, base)
  with.render(out, at, base)
  if at.set then setop.render(out, at, base) else select_body(out, at, base) end
  order.render(out, at, base)
  limit.render(out, at, base)
  lock.render(out, at)
end

function kinds.insert(out, at, base)
  with.render(out, at, base)
  out:put("insert into " .. at.target.text)
  values.render(out, at, base)
  conflict.render(out, at, base)
  columns.render_returning(out, at, base)
end

local function refuse_every_row(at)
  if at.where or at.every_row then return end
  misuse.raise("this %s has no condition and would touch every row; say :where(...), or :every_row() if that is meant",
    at.kind)
end

function kinds.update(out, at, base)
  refuse_every_row(at)
  with.render(out, at, base)
  out:put("update " .. at.target.text)
  assign.render_set(out, at, base)
  from.render(out, at, base, " from ")
  join.render(out, at, base)
  where.render(out, at, base, where.WHERE)
  columns.render_returning(out, at, base)
end

function kinds.delete(out, at, base)
  refuse_every_row(at)
  with.render(out, at, base)
  out:put("delete from " .. at.target.text)
  from.render(out, at, base, " using ")
  join.render(out, at, base)
  where.render(out, at, base, where.WHERE)
  columns.render_returning(out, at, base)
end

kinds["with"] = function()
  misuse.raise "with starts a statement that has no body yet; go on with :from, :insert_into, :update or :delete_from"
end

return {}
