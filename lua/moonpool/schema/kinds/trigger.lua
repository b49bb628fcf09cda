--- Triggers.

local bit = require "bit"
local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"

local OID = catalog.oid

local M = { kind = "trigger" }

M.queries = {
  triggers = [[
select t.oid::int4, t.tgrelid::int4, t.tgname, t.tgtype, t.tgenabled, t.tgisinternal, t.tgparentid::int4,
  t.tgfoid::regproc::text as func,
  encode(t.tgargs, 'escape') as args, t.tgnargs, t.tgattr::text as columns, t.tgdeferrable, t.tginitdeferred,
  t.tgconstraint::int4, t.tgconstrrelid::int4, t.tgoldtable, t.tgnewtable,
  case when t.tgqual is not null then pg_get_triggerdef(t.oid) end as definition
from pg_trigger t
  left join pg_trigger p on p.oid = t.tgparentid
where t.tgrelid >= 16384 and not t.tgisinternal and (t.tgparentid = 0 or t.tgenabled <> p.tgenabled)]],
}

local ENABLED = { D = "disabled", R = "replica", A = "always" }
local ROW, BEFORE, INSERT, DELETE, UPDATE, TRUNCATE, INSTEAD = 1, 2, 4, 8, 16, 32, 64

-- encode(…, 'escape'): NUL ends each argument, a backslash is doubled, high bytes are octal.
local function arguments(text, count)
  local out = {}
  text = text:gsub("\\(%d%d%d)", function(octal)
    return octal == "000" and "\0" or string.char(tonumber(octal, 8))
  end):gsub("\\\\", "\\")
  for piece in text:gmatch "(%Z*)%z" do
    if #out < count then out[#out + 1] = piece end
  end
  return #out > 0 and out or nil
end

-- Between the first WHEN outside of quoted names and the call at the end.
local function condition(text, call)
  local at = 1
  while true do
    local p = text:find('[" ]', at)
    if text:sub(p, p) == '"' then
      local _
      _, at = names.scan(text, p)
    elseif text:sub(p, p + 6) == " WHEN (" then
      local stop = #text - #call + 1
      if text:sub(stop) ~= call then
        for s in text:gmatch "()%) EXECUTE FUNCTION " do stop = s end
      end
      return text:sub(p + 7, stop - 1)
    else
      at = p + 1
    end
  end
end

local function call_text(func, list)
  local out = {}
  for i, argument in ipairs(list or {}) do out[i] = names.literal(argument) end
  return ("EXECUTE FUNCTION %s(%s)"):format(func, table.concat(out, ", "))
end

local function events(type)
  local out = {}
  if bit.band(type, INSERT) ~= 0 then out[#out + 1] = "insert" end
  if bit.band(type, DELETE) ~= 0 then out[#out + 1] = "delete" end
  if bit.band(type, UPDATE) ~= 0 then out[#out + 1] = "update" end
  if bit.band(type, TRUNCATE) ~= 0 then out[#out + 1] = "truncate" end
  return out
end

--- The trigger further up that a partition's copy comes from: the copy cannot be switched before it is made.
---@param set moonpool.schema.FactSet
---@param fact moonpool.schema.Fact  a trigger with `inherited`
---@return string? id
function M.origin(set, fact)
  local host = set:get(fact.parent)
  while host and host.attrs.partition_of do
    host = set:get(host.attrs.partition_of)
    local above = host and names.id("trigger", host.schema, host.name, fact.name)
    if above and set:get(above) then return above end
  end
end

function M.read(cx)
  local copies = {}
  for row in cx:rows "triggers" do
    local host = cx:fact(OID.pg_class, row.tgrelid)
    if host and row.tgparentid ~= 0 then
      -- A partition's copy, of which only the switch was moved.
      copies[#copies + 1] = cx:add(OID.pg_trigger, row.oid, "trigger", host.id,
        { inherited = true, enabled = ENABLED[row.tgenabled] or "origin" }, host.schema, host.name, row.tgname)
    elseif host then
      local columns
      for _, number in ipairs(catalog.numbers(row.columns)) do
        columns = columns or {}
        columns[#columns + 1] = cx.columns[row.tgrelid][number].name
      end
      local list = arguments(row.args, row.tgnargs)
      local from = row.tgconstrrelid ~= 0 and cx:fact(OID.pg_class, row.tgconstrrelid)
      local fact = cx:add(OID.pg_trigger, row.oid, "trigger", host.id, {
        timing = bit.band(row.tgtype, BEFORE) ~= 0 and "before" or bit.band(row.tgtype, INSTEAD) ~= 0 and "instead of"
          or "after",
        events = events(row.tgtype), columns = columns, each_row = bit.band(row.tgtype, ROW) ~= 0 or nil,
        func = row.func, arguments = list,
        condition = row.definition and condition(row.definition, ") " .. call_text(row.func, list)),
        constraint = row.tgconstraint ~= 0 or nil, deferrable = row.tgdeferrable or nil,
        deferred = row.tginitdeferred or nil, from = from and from.id or nil,
        old_table = row.tgoldtable, new_table = row.tgnewtable, enabled = ENABLED[row.tgenabled],
      }, host.schema, host.name, row.tgname)
      -- The constraint of that name can be spoken of by itself.
      if row.tgconstraint ~= 0 then cx:note(OID.pg_constraint, row.tgconstraint, fact, "constraint_comment") end
    end
  end
  for _, fact in ipairs(copies) do fact.deps = { M.origin(cx.set, fact) } end
end

function M.label(fact, e)
  return ("TRIGGER %s ON %s"):format(names.quote(fact.name), e:name_of(fact.parent))
end

local SWITCH = {
  disabled = "DISABLE TRIGGER", replica = "ENABLE REPLICA TRIGGER", always = "ENABLE ALWAYS TRIGGER",
  origin = "ENABLE TRIGGER",
}

local function event_text(attrs)
  local out = {}
  for i, event in ipairs(attrs.events) do
    out[i] = event:upper()
    if event == "update" and attrs.columns then out[i] = out[i] .. " OF " .. names.list(attrs.columns) end
  end
  return table.concat(out, " OR ")
end

function M.create(fact, e)
  local attrs = fact.attrs
  local host = e.set:get(fact.parent)
  local on = e:name_of(fact.parent)
  if not attrs.inherited then
    local out = { ("CREATE %sTRIGGER %s %s %s ON %s"):format(attrs.constraint and "CONSTRAINT " or "",
      names.quote(fact.name),
      attrs.timing:upper(), event_text(attrs), on) }
    if attrs.from then out[#out + 1] = "FROM " .. e:name_of(attrs.from) end
    if attrs.deferrable then out[#out + 1] = "DEFERRABLE" end
    if attrs.deferred then out[#out + 1] = "INITIALLY DEFERRED" end
    if attrs.old_table or attrs.new_table then
      local list = {}
      if attrs.old_table then list[1] = "OLD TABLE AS " .. names.quote(attrs.old_table) end
      if attrs.new_table then list[#list + 1] = "NEW TABLE AS " .. names.quote(attrs.new_table) end
      out[#out + 1] = "REFERENCING " .. table.concat(list, " ")
    end
    out[#out + 1] = attrs.each_row and "FOR EACH ROW" or "FOR EACH STATEMENT"
    if attrs.condition then out[#out + 1] = ("WHEN (%s)"):format(attrs.condition) end
    out[#out + 1] = call_text(attrs.func, attrs.arguments)
    e:add(table.concat(out, " "))
  end
  if attrs.enabled then
    e:add(("ALTER %sTABLE %s %s %s"):format(host.kind == "foreign_table" and "FOREIGN " or "", on,
      SWITCH[attrs.enabled],
      names.quote(fact.name)))
  end
  e:comment(fact)
  if attrs.constraint_comment and e.options.comments ~= false then
    e:add(("COMMENT ON CONSTRAINT %s ON %s IS %s"):format(names.quote(fact.name), on,
      names.literal(attrs.constraint_comment)))
  end
end

return M
