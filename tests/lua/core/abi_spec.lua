local abi = require "moonpool.core.abi"

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local function tidy(declaration)
  return (declaration:gsub("%s+", " "):gsub("%s*([^%w_])%s*", "%1"):gsub("^ ", ""):gsub(" $", ""))
end

-- Declarations without what only C sees: as a set, and in order.
local function set(text)
  local known, order = {}, {}
  text = text:gsub("/%*.-%*/", " "):gsub("^#[^\n]*", ""):gsub("\n#[^\n]*", "\n"):gsub("\n#[^\n]*", "\n")
    :gsub('extern "C" {', ""):gsub("MP_API", ""):gsub("MP_NOEXCEPT", "")
  local depth, from = 0, 1
  for at, mark in text:gmatch "()([{};])" do
    if mark == "{" then depth = depth + 1 end
    if mark == "}" then depth = depth - 1 end
    if mark == ";" and depth == 0 then
      local declaration = tidy(text:sub(from, at))
      known[declaration], order[#order + 1] = true, declaration
      from = at + 1
    end
  end
  return known, order
end

describe("core.abi", function()
  local header = read "engine/api/include/moonpool/moonpool.h"
  local observe = read "engine/api/include/moonpool/observe.h"

  it("declares what moonpool.h declares, and nothing else", function()
    local there, order = set(header)
    local more, last = set(observe)
    for name in pairs(more) do there[name] = true end
    for _, declaration in ipairs(last) do order[#order + 1] = declaration end
    local here, mine = set(abi.declarations)
    assert.is_true(#order > 70)
    for _, declaration in ipairs(order) do
      assert(here[declaration], "core/abi.lua lacks: " .. declaration)
    end
    for _, declaration in ipairs(mine) do
      assert(there[declaration], "moonpool.h has no: " .. declaration)
    end
  end)

  it("was written for the header's version", function()
    assert.equal(abi.VERSION, tonumber(header:match "#define MP_ABI_VERSION (%d+)"))
  end)

  it("knows the numbers of the header's enums", function()
    local numbers = {}
    for name, value in abi.declarations:gmatch "MP_([%u_]+) = (%d+)" do numbers[name] = tonumber(value) end
    for _, name in ipairs { "OK", "FAILED", "PENDING", "WRITE", "READ", "ATOMIC", "IDEMPOTENT", "SCRIPT", "READY",
      "TIMED_OUT", "CANCELLED" } do
      assert.equal(numbers[name], abi[name], name)
    end
    assert.equal(numbers.READ_COMMITTED, abi.isolation["read committed"])
    assert.equal(numbers.REPEATABLE_READ, abi.isolation["repeatable read"])
    assert.equal(numbers.SERIALIZABLE, abi.isolation.serializable)
    for name, value in pairs(abi.event) do assert.equal(numbers["EVENT_" .. name:upper()], value, name) end
    for name, value in pairs(abi.level) do assert.equal(numbers["LEVEL_" .. name:upper()], value, name) end
  end)

  it("copies every field of an error by the header's number", function()
    local source = read "lua/moonpool/core/error.lua"
    for name, value in abi.declarations:match "mp_error_text_field {(.-)}":gmatch "MP_ERROR_([%u_]+) = (%d+)" do
      local field = name == "NAME" and "kind" or name == "KIND" and "family" or name:lower()
      assert(source:find("%f[%w]" .. field .. " = " .. value .. "%f[%D]"), name .. " is not read as number " .. value)
    end
  end)
end)
