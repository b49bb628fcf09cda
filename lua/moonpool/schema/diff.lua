--- The difference of two fact sets, without any knowledge of what the facts mean.
--
-- Five words say all of it: a fact is added or dropped, an attribute of it is set, a dependency is linked or
-- unlinked. Sets with one hash are equal and are not looked into; nor are two facts that say the same.

local fact_of = require "moonpool.schema.fact"
local json = require "moonpool.schema.json"

local M = {}

---@class moonpool.schema.Change
---@field op "add"|"drop"|"set"|"link"|"unlink"
---@field id string
---@field kind string
---@field fact? moonpool.schema.Fact  of an add or a drop
---@field attr? string  of a set
---@field old? any
---@field new? any
---@field target? string  of a link or an unlink

---@class moonpool.schema.Diff
---@field changes moonpool.schema.Change[]  sorted by id
---@field from moonpool.schema.FactSet
---@field to moonpool.schema.FactSet
local Diff = {}
Diff.__index = Diff

---@class moonpool.schema.DiffOptions
---@field owners? boolean  compare owners (default true)
---@field privileges? boolean  compare privileges (default true)
---@field comments? boolean  compare comments (default true)
---@field deps? boolean  compare dependencies (default true)
---@field ignore? fun(fact: moonpool.schema.Fact): boolean  facts to leave out on both sides

local function attributes(a, b, skip)
  local seen, keys = {}, {}
  for _, attrs in ipairs { a, b } do
    for key in pairs(attrs) do
      if key:byte() ~= 95 and not skip[key] and not seen[key] then
        seen[key] = true
        keys[#keys + 1] = key
      end
    end
  end
  table.sort(keys)
  return keys
end

local function same(a, b)
  if a == b then return true end
  return type(a) == "table" and type(b) == "table" and json.encode(a) == json.encode(b)
end

local function contains(list)
  local set = {}
  for _, item in ipairs(list) do set[item] = true end
  return set
end

-- A wish that grants nothing has no opinion on privileges.
local function says_privileges(set)
  return not set.meta.wish or #set:of_kind "acl" > 0
end

local function compare(a, b, skip, options, out)
  if fact_of.text(a) ~= fact_of.text(b) then
    for _, key in ipairs(attributes(a.attrs, b.attrs, skip)) do
      -- A wish need not say whose a thing is.
      local unsaid = key == "owner" and (a.attrs.owner == nil or b.attrs.owner == nil)
      if not unsaid and not same(a.attrs[key], b.attrs[key]) then
        out[#out + 1] = { op = "set", id = a.id, kind = a.kind, attr = key, old = a.attrs[key], new = b.attrs[key] }
      end
    end
  end
  if options.deps == false then return end
  local before, after = contains(a.deps), contains(b.deps)
  for _, id in ipairs(a.deps) do
    if not after[id] then out[#out + 1] = { op = "unlink", id = a.id, kind = a.kind, target = id } end
  end
  for _, id in ipairs(b.deps) do
    if not before[id] then out[#out + 1] = { op = "link", id = a.id, kind = a.kind, target = id } end
  end
end

--- What has to happen to `a` to make it `b`.
---@param a moonpool.schema.FactSet
---@param b moonpool.schema.FactSet
---@param options? moonpool.schema.DiffOptions
---@return moonpool.schema.Diff
function M.compare(a, b, options)
  options = options or {}
  local diff = setmetatable({ changes = {}, from = a, to = b }, Diff)
  if a == b or a:hash() == b:hash() then return diff end
  local skip = { owner = options.owners == false }
  for key in pairs(fact_of.comments) do skip[key] = options.comments == false end  -- order-free: a map is copied
  local privileges = options.privileges ~= false and says_privileges(a) and says_privileges(b)
  local function ignored(fact)
    return not privileges and fact.kind == "acl" or options.ignore and options.ignore(fact)
  end
  local out = diff.changes
  local left, right = a:ids(), b:ids()
  local i, j = 1, 1
  -- Both lists are sorted: one walk down the two of them.
  while left[i] or right[j] do
    local x, y = left[i], right[j]
    if x == y then
      local fact = a:get(x)
      local other = b:get(x)
      if a:digest_of(fact) ~= b:digest_of(other) and not ignored(fact) then compare(fact, other, skip, options, out) end
      i, j = i + 1, j + 1
    elseif not y or x and x < y then
      local fact = a:get(x)
      if not ignored(fact) then out[#out + 1] = { op = "drop", id = x, kind = fact.kind, fact = fact } end
      i = i + 1
    else
      local fact = b:get(y)
      if not ignored(fact) then out[#out + 1] = { op = "add", id = y, kind = fact.kind, fact = fact } end
      j = j + 1
    end
  end
  return diff
end

---@return boolean
function Diff:is_empty()
  return #self.changes == 0
end

---@return integer
function Diff:count()
  return #self.changes
end

--- Goes through the changes, sorted by id.
---@return fun(): moonpool.schema.Change?
function Diff:each()
  local i = 0
  return function()
    i = i + 1
    return self.changes[i]
  end
end

--- The changes that concern facts for which `keep` says yes.
---@param keep fun(id: string): boolean
---@return moonpool.schema.Diff
function Diff:filter(keep)
  local out = setmetatable({ changes = {}, from = self.from, to = self.to }, Diff)
  for change in self:each() do
    if keep(change.id) then out.changes[#out.changes + 1] = change end
  end
  return out
end

--- One JSON document.
---@param more? { layout: string[]? }  what else it is to say: relations whose columns stand in another order
---@return string
function Diff:to_json(more)
  local out = {}
  for i, change in ipairs(self.changes) do
    local item = { op = change.op, id = change.id, kind = change.kind, attr = change.attr, old = change.old,
      new = change.new, target = change.target }
    if change.fact then
      item.attrs = change.fact.attrs
      item.parent = change.fact.parent
    end
    out[i] = json.encode(item)
  end
  local layout = {}
  for i, id in ipairs(more and more.layout or {}) do layout[i] = json.encode(id) end
  return ('{"schema_version":1,"equal":%s,"layout":[%s],"changes":[%s]}'):format(tostring(#out == 0),
    table.concat(layout, ","), table.concat(out, ",\n"))
end

local function short(value)
  if value == nil then return "(none)" end
  local text = type(value) == "string" and value or json.encode(value)
  if #text > 200 then text = text:sub(1, 197) .. "..." end
  return (text:gsub("\n", "\n      "))
end

--- For people: grouped by the topmost thing that changed.
---@return string
function Diff:format()
  if self:is_empty() then return "no difference\n" end
  local added = {}
  for _, change in ipairs(self.changes) do
    if change.op == "add" or change.op == "drop" then added[change.id] = change.op end
  end
  local out = {}
  for _, change in ipairs(self.changes) do
    local fact = change.fact
    local with_parent = fact and fact.parent and added[fact.parent] == change.op
    if change.op == "add" and not with_parent then
      out[#out + 1] = "+ " .. change.id
    elseif change.op == "drop" and not with_parent then
      out[#out + 1] = "- " .. change.id
    elseif change.op == "set" then
      out[#out + 1] = ("~ %s  %s\n    - %s\n    + %s"):format(change.id, change.attr, short(change.old),
        short(change.new))
    elseif change.op == "link" or change.op == "unlink" then
      out[#out + 1] = ("~ %s  %s %s"):format(change.id, change.op == "link" and "now needs" or "no longer needs",
        change.target)
    end
  end
  return table.concat(out, "\n") .. "\n"
end

Diff.__tostring = Diff.format

--- Relations whose columns are the same but stand in another order: no plan can repair it without writing the table
--- anew, so it is told apart from the difference.
---@param a moonpool.schema.FactSet
---@param b moonpool.schema.FactSet
---@return string[] ids
function M.layout(a, b)
  local out = {}
  for _, kind in ipairs { "table", "foreign_table" } do
    for _, fact in ipairs(a:of_kind(kind)) do
      local left, right = a:children(fact.id, "column"), b:children(fact.id, "column")
      local there, here, before, after = {}, {}, {}, {}
      for _, column in ipairs(right) do there[column.id] = true end
      for _, column in ipairs(left) do
        here[column.id] = true
        if there[column.id] then before[#before + 1] = column.id end
      end
      for _, column in ipairs(right) do
        if here[column.id] then after[#after + 1] = column.id end
      end
      for i = 1, #before do
        if before[i] ~= after[i] then
          out[#out + 1] = fact.id
          break
        end
      end
    end
  end
  return out
end

return M
