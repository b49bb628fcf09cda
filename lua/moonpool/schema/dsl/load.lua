--- Schema files: Lua that returns a list of specs, run where nothing but the language is at hand.

local collect = require "moonpool.schema.dsl.collect"
local words = require "moonpool.schema.dsl.words"

local M = {}

-- What a schema file may use besides the language: no files, no programs, no other modules.
local SAFE = {
  "assert", "error", "ipairs", "next", "pairs", "pcall", "select", "tonumber", "tostring", "type", "unpack", "math",
    "string",
  "table",
}

local function environment(language)
  local env = {}
  for _, name in ipairs(SAFE) do env[name] = _G[name] end
  env.require = function(name)
    if name == "moonpool.schema" then return language end
    if name == "moonpool" then return { schema = language } end
    error(("a schema file can require \"moonpool.schema\" and nothing else, got %q"):format(tostring(name)), 2)
  end
  return env
end

--- The specs a schema file's text returns. Raises with the file's own line.
---@param text string
---@param name string  of the file
---@return table
function M.specs(text, name)
  if text:sub(1, 1) == "\27" then error(name .. ": a schema file is Lua source, not bytecode", 0) end
  local chunk, failure = loadstring(text, "@" .. name)
  if not chunk then error(failure, 0) end
  setfenv(chunk, environment(setmetatable({}, { __index = words })))
  local ok, specs = pcall(chunk)
  if not ok then error(specs, 0) end
  if type(specs) ~= "table" then
    error(("%s: a schema file returns a list of what m.table and its like make, got %s"):format(name, tostring(specs)),
      0)
  end
  return specs
end

--- The wish in a schema file's text.
---@param text string
---@param name string
---@param options? { read: (fun(path: string): string)? }  how files beside it are read; it reads none by itself
---@return moonpool.schema.FactSet
function M.wish(text, name, options)
  return collect.collect(M.specs(text, name), { name = name, text = text, read = options and options.read })
end

return M
