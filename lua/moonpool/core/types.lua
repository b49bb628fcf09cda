--- Which decoder reads a column, by the OID of its type. A type that is not known reads as its text.

local array = require "moonpool.core.types.array"
local errors = require "moonpool.core.error"
local json = require "moonpool.core.json"
local scalar = require "moonpool.core.types.scalar"
local suggest = require "moonpool.core.suggest"
local time = require "moonpool.core.types.time"

local M = {}

local text = scalar.text

local function document(p, n)
  return json.decode(text(p, n))
end

-- OIDs as pg_type.dat fixes them. int8 (20) is added by the codec's habit.
local scalars = {
  [16] = scalar.bool, [17] = scalar.bytea, [21] = scalar.int, [23] = scalar.int,
  [114] = document, [3802] = document, [700] = scalar.float, [701] = scalar.float,
  [1114] = time.timestamp, [1184] = time.timestamptz, [1266] = time.timetz,
}

-- Array type to item type. Items that `scalars` does not know are text.
local arrays = {
  [1000] = 16, [1001] = 17, [1005] = 21, [1007] = 23, [1016] = 20, [199] = 114, [3807] = 3802,
  [1021] = 700, [1022] = 701, [1115] = 1114, [1185] = 1184, [1270] = 1266,
  [1002] = 18, [1003] = 19, [1009] = 25, [1014] = 1042, [1015] = 1043, -- char, name, text, bpchar, varchar
  [1182] = 1082, [1183] = 1083, [1187] = 1186,                         -- date, time, interval
  [1231] = 1700, [2951] = 2950, [1028] = 26,                           -- numeric, uuid, oid
  [1041] = 869, [651] = 650, [1040] = 829, [775] = 774,                -- inet, cidr, macaddr, macaddr8
  [1561] = 1560, [1563] = 1562, [791] = 790, [143] = 142,              -- bit, varbit, money, xml
  [3643] = 3614, [3645] = 3615, [4073] = 4072, [1263] = 2275,          -- tsvector, tsquery, jsonpath, cstring
  [3905] = 3904, [3907] = 3906, [3909] = 3908, [3911] = 3910, [3913] = 3912, [3927] = 3926, -- ranges
  [2210] = 2205, [2211] = 2206, [2207] = 2202, [2949] = 2970,          -- regclass, regtype, regprocedure, txid_snapshot
}

---@class moonpool.Codec
---@field int8 "auto"|"string"|"cdata"|"number"
---@field decoders table<integer, fun(p: ffi.cdata*, n: integer): any>
local Codec = {}
Codec.__index = Codec

local function build(habit)
  local decoders = { [20] = scalar.int8[habit] }
  for oid, decode in pairs(scalars) do decoders[oid] = decode end
  for oid, of in pairs(arrays) do decoders[oid] = array.of(decoders[of] or text) end
  return setmetatable({ int8 = habit, decoders = decoders }, Codec)
end

local codecs = {}

---The codec for the user's wishes: `{ int8 = "auto" | "string" | "cdata" | "number" }`.
---@param wishes table|nil
---@return moonpool.Codec
function M.codec(wishes)
  if wishes ~= nil and type(wishes) ~= "table" then
    errors.misuse("types takes a table such as { int8 = \"string\" }, got a %s", type(wishes))
  end
  for name in pairs(wishes or {}) do
    if name ~= "int8" then
      errors.misuse("types knows int8 only, got %s%s", tostring(name), suggest.hint(name, { "int8" }))
    end
  end
  local habit = wishes and wishes.int8 or "auto"
  if not scalar.int8[habit] then
    errors.misuse('types.int8 takes "auto", "string", "cdata" or "number", got %s', tostring(habit))
  end
  codecs[habit] = codecs[habit] or build(habit)
  return codecs[habit]
end

---The decoder of a type.
---@param oid integer
---@return fun(p: ffi.cdata*, n: integer): any
function Codec:decoder(oid)
  return self.decoders[oid] or text
end

return M
