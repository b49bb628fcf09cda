-- The Lua on the project's pages runs: each page's examples as one program, in order, in one database.

local database = require "database"
local ffi = require "ffi"
local folders = require "folder"
local migrate = require "moonpool.migrate"

ffi.cdef "int setenv(const char* name, const char* value, int overwrite); int unsetenv(const char* name);"

local SCHEMA = "docs"

local function lines_of(path)
  local lines = {}
  for line in io.lines(path) do lines[#lines + 1] = line end
  return lines
end

-- Fenced blocks of a page: { language, first line, text }.
local function blocks_of(path)
  local blocks, open = {}, nil
  for number, line in ipairs(lines_of(path)) do
    local fence = line:match "^```(%a*)%s*$"
    if fence and not open then
      open = { language = fence, line = number + 1, text = {} }
    elseif fence then
      blocks[#blocks + 1] = { language = open.language, line = open.line, text = table.concat(open.text, "\n") }
      open = nil
    elseif open then
      open.text[#open.text + 1] = line
    end
  end
  assert(not open, path .. " has a block that is never closed")
  return blocks
end

-- README first, then the page on SQL, then the others by name.
local function pages()
  local list = { "README.md", "docs/guide/sql.md" }
  local names = assert(require("moonpool.migrate.directory").list "docs/guide")
  for _, name in ipairs(names) do
    if name:find "%.md$" and name ~= "sql.md" then list[#list + 1] = "docs/guide/" .. name end
  end
  return list
end

-- The examples of a page as one chunk whose lines are those of the page.
local function program(path)
  local text, line = "", 1
  for _, block in ipairs(blocks_of(path)) do
    if block.language == "lua" and block.text:find "^%-%- example: " then
      text = text .. ("\n"):rep(block.line - line) .. block.text .. "\n"
      local _, n = block.text:gsub("\n", "")
      line = block.line + n + 1
    end
  end
  return text
end

describe("the pages", function()
  local db, printed

  local environment = setmetatable({
    print = function(...)
      local parts = {}
      for i = 1, select("#", ...) do parts[i] = tostring((select(i, ...))) end
      printed[#printed + 1] = table.concat(parts, "\t")
    end,
    os = setmetatable({
      getenv = function(name)
        if name == "MOONPOOL_PRIMARY" then return database.primary_in(SCHEMA) end
        if name == "MOONPOOL_REPLICA" then return nil end
        return os.getenv(name)
      end,
    }, { __index = os }),
  }, { __index = _G })

  setup(function()
    db = database.in_schema(SCHEMA)
    ffi.C.setenv("MOONPOOL_DSN", database.primary_in(SCHEMA), 1)
  end)

  teardown(function()
    ffi.C.unsetenv "MOONPOOL_DSN"
    db:exec("drop schema " .. SCHEMA .. " cascade")
    db:close()
  end)

  for _, path in ipairs(pages()) do
    it("run: " .. path, function()
      printed = {}
      local source = program(path)
      if source == "" then return end
      local chunk = assert(loadstring(source, "@" .. path))
      setfenv(chunk, environment)
      chunk()
    end)

    it("hold Lua that is Lua: " .. path, function()
      for _, block in ipairs(blocks_of(path)) do
        if block.language == "lua" then
          assert(loadstring(("\n"):rep(block.line - 1) .. block.text, "@" .. path))
        end
      end
      assert.is_true(#lines_of(path) > 0)
    end)
  end

  it("show migrations that go up and down", function()
    local folder = folders.new()
    local n = 0
    for _, block in ipairs(blocks_of "docs/guide/migrations.md") do
      local name = block.text:match "^%-%- migration: (%S+)"
      if name then
        folder:write(name, block.text .. "\n")
        n = n + 1
      end
    end
    assert.equal(3, n)
    db:exec "drop table if exists schema_migrations"
    local migrator = migrate.new(db, { dir = folder.path })
    assert.equal(2, #migrator:up())
    assert.equal("hello root", db:query("select greeting from people"):scalar())
    assert.equal(0, db:query("select age from people"):scalar())
    assert.equal(2, #migrator:down { steps = 2, allow = { "drop_table", "drop_column" } })
    assert.is_nil(db:query("select to_regclass('people')"):scalar())
    folder:delete()
  end)
end)
