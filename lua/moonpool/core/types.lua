--- Which decoder reads a column, by the OID of its type. A type that is not known reads as its text. What a user
--- wishes for a type, `types = { numeric = moonpool.decimal }`, holds for its arrays and domains too.

local array = require "moonpool.core.types.array"
local builtin = require "moonpool.core.types.builtin"
local catalog = require "moonpool.core.types.catalog"
local composite = require "moonpool.core.types.composite"
local errors = require "moonpool.core.error"
local ffi = require "ffi"
local json = require "moonpool.core.json"
local range = require "moonpool.core.types.range"
local scalar = require "moonpool.core.types.scalar"
local suggest = require "moonpool.core.suggest"
local time = require "moonpool.core.types.time"
local walk = require "moonpool.core.walk"

local pairs = walk.pairs

local M = {}

local text = scalar.text
local pointer = ffi.typeof "const char*"

local function document(p, n)
  return json.decode(text(p, n))
end

-- int8 (20) is added by the codec's habit.
local scalars = {
  [16] = scalar.bool, [17] = scalar.bytea, [21] = scalar.int, [23] = scalar.int,
  [114] = document, [3802] = document, [700] = scalar.float, [701] = scalar.float,
  [1114] = time.timestamp, [1184] = time.timestamptz, [1266] = time.timetz,
}

---@class moonpool.Codec
---@field int8 "auto"|"string"|"cdata"|"number"
---@field decoders table<integer, fun(p: ffi.cdata*, n: integer): any>
---@field base table the same for codecs that read PostgreSQL's own types alike
---@field private own table<integer, boolean> types that the user reads in a way of his own
---@field private named table<string, function> by "schema.name"
---@field private asked table<integer, boolean> types that the catalog was asked about
local Codec = {}
Codec.__index = Codec

-- A decoder that asks a user's function, for the type of that name.
local function by_function(f, name)
  return function(p, n)
    local value = f(text(p, n))
    if value == nil then errors.misuse("the function of types[%q] gave nil for a value that is not NULL", name) end
    return value
  end
end

-- A decoder as a function of a text.
local function of_text(decode)
  return function(value) return decode(pointer(value), #value) end
end

-- The decoder for what a user wished for a type; ranges and composites are told what they are made of.
local function wished(f, name, subtype, fields)
  if subtype and (f == range.range or f == range.multirange) then
    local parse = f == range.range and range.parse or range.parse_many
    local read = of_text(subtype)
    return function(p, n) return parse(text(p, n), read) end
  elseif f == composite.of then
    if not fields then errors.misuse("types[%q] is moonpool.composite, and that is no composite type", name) end
    local names, readers = {}, {}
    for i, field in ipairs(fields) do names[i], readers[i] = field.name, of_text(field.decode) end
    local read = composite.reader(names, readers)
    return function(p, n) return read(text(p, n)) end
  end
  return by_function(f, name)
end

local function build(habit, own)
  local decoders = { [20] = scalar.int8[habit] }
  for oid, decode in pairs(scalars) do decoders[oid] = decode end
  local mine, later = {}, {}
  for name, f in pairs(own) do
    local oid = builtin.oids[name]
    if oid then
      mine[oid] = true
      if builtin.subtypes[oid] then later[oid] = f else decoders[oid] = wished(f, name) end
    end
  end
  for oid, f in pairs(later) do
    decoders[oid] = wished(f, builtin.names[oid], decoders[builtin.subtypes[oid]] or text)
  end
  for oid, of in pairs(builtin.arrays) do
    decoders[oid] = array.of(decoders[of] or text, of == builtin.BOX and ";" or ",")
    mine[oid] = mine[of]
  end
  return decoders, mine
end

local function is_callable(value)
  local meta = type(value) == "table" and getmetatable(value)
  return type(value) == "function" or type(meta) == "table" and meta.__call ~= nil
end

local function check(name, wish)
  if type(name) ~= "string" then errors.misuse("types has names of types for keys, got %s", tostring(name)) end
  if not builtin.oids[name] and not name:find(".", 1, true) then
    errors.misuse('types knows no %s%s; a type of your own is written with its schema: ["public.%s"]', name,
      suggest.hint(name, builtin.list), name)
  elseif name == "int8" and type(wish) == "string" then
    if not scalar.int8[wish] then
      errors.misuse('types.int8 takes "auto", "string", "cdata", "number" or a function of the text, got %s', wish)
    end
  elseif not is_callable(wish) then
    errors.misuse('types[%q] takes a function that makes a value of its text%s, got %s', name,
      name == "int8" and ', or "auto", "string", "cdata", "number"' or "", tostring(wish))
  end
end

local bases = {}

---The codec for the user's wishes: for the name of a type a function that makes a value of its text; for int8 also
---one of "auto", "string", "cdata", "number". One codec belongs to one database: it learns the types that are there.
---@param wishes table<string, function|string>|nil
---@return moonpool.Codec
function M.codec(wishes)
  if wishes ~= nil and type(wishes) ~= "table" then
    errors.misuse("types takes a table such as { int8 = \"string\" }, got a %s", type(wishes))
  end
  local own, named, habit, plain = {}, {}, "auto", true
  for name, wish in pairs(wishes or {}) do
    check(name, wish)
    if name == "int8" and type(wish) == "string" then
      habit = wish
    else
      own[name], plain = wish, false
      if not builtin.oids[name] then named[name] = wish end
    end
  end
  local base = plain and bases[habit]
  if not base then
    local decoders, mine = build(habit, own)
    base = { decoders = decoders, mine = mine }
    if plain then bases[habit] = base end
  end
  return setmetatable({
    int8 = habit, base = base, own = setmetatable({}, { __index = base.mine }), named = named, asked = {},
    decoders = setmetatable({}, { __index = base.decoders }),
  }, Codec)
end

---The decoder of a type.
---@param oid integer
---@return fun(p: ffi.cdata*, n: integer): any
function Codec:decoder(oid)
  return self.decoders[oid] or text
end

---Whether the user reads this type in a way of his own.
---@param oid integer
---@return boolean
function Codec:is_own(oid)
  return self.own[oid] == true
end

---Whether this type is the database's own, so that its OID means another type elsewhere.
---@param oid integer
---@return boolean
function Codec:is_of_database(oid)
  return oid >= catalog.FIRST
end

---Whether this is a type of the database's own that nothing is known of yet.
---@param oid integer
---@return boolean
function Codec:is_strange(oid)
  return oid >= catalog.FIRST and not self.asked[oid]
end

---Asks the server about types and remembers how to read them.
---@async
---@param oids integer[]
---@param session ffi.cdata*|nil without it they are read as text, this time
---@param route integer|nil
function Codec:learn(oids, session, route)
  if not session then return end
  local found = catalog.ask(oids, session, route)
  for _, oid in ipairs(oids) do self:resolve(oid, found) end
end

---@private
function Codec:resolve(oid, found)
  local about = found[oid]
  if self.asked[oid] or not about then
    if oid >= catalog.FIRST then self.asked[oid] = true end
    return self:decoder(oid)
  end
  self.asked[oid] = true
  local wish, decode = self.named[about.name], nil
  local item = about.item or about.base
  if wish then
    local subtype = about.subtype and self:resolve(about.subtype, found)
    for _, field in ipairs(about.fields or {}) do field.decode = self:resolve(field.type, found) end
    decode = wished(wish, about.name, subtype, about.fields)
    self.own[oid] = true
  elseif item then
    decode = self:resolve(item, found)
    self.own[oid] = self.own[item]
    if about.item then decode = array.of(decode, about.delimiter) end
  end
  self.decoders[oid] = decode
  return decode or text
end

return M
