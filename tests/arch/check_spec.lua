-- The check is checked: small trees, each with one thing wrong, and the words that must be said about it.
package.path = "tests/?.lua;" .. package.path
local check = require("arch.check").check

local function write(root, path, text)
  local folder = path:match "^(.*)/[^/]*$"
  assert(os.execute(("mkdir -p '%s/%s'"):format(root, folder or "")) == 0)
  local file = assert(io.open(root .. "/" .. path, "wb"))
  file:write(text)
  file:close()
end

local function check_tree(files)
  local root = os.tmpname()
  os.remove(root)
  for path, text in pairs(files) do
    write(root, path, text)
  end
  local found = check(root)
  os.execute(("rm -rf '%s'"):format(root))
  return found
end

local function sound()
  return {
    ["README.md"] = "# It\n\nSee [the base](engine/base/README.md#the-base) and [below](#more-of-it).\n\n"
      .. "## More of it\n",
    ["engine/base/README.md"] = "# The base\n",
    ["engine/base/error.hpp"] = '#pragma once\n#include <string>\n',
    ["engine/wire/README.md"] = "# wire\n",
    ["engine/wire/pq.cpp"] = '#include "base/error.hpp"\n#include <libpq-fe.h>\n',
    ["engine/api/README.md"] = "# api\n",
    ["engine/api/include/moonpool/moonpool.hpp"] = '#include "moonpool/moonpool.h"\n#include <vector>\n',
    ["engine/api/include/moonpool/moonpool.h"] = '#include <stdint.h>\n',
    ["lua/moonpool/init.lua"] = 'local query = require "moonpool.query.select"\nreturn query\n',
    ["lua/moonpool/sql/README.md"] = "# sql\n",
    ["lua/moonpool/sql/term.lua"] = 'local rows = require "moonpool.core.rows"\nreturn rows\n',
    ["lua/moonpool/core/README.md"] = "# core\n",
    ["lua/moonpool/core/rows.lua"] = 'return {}\n',
    ["lua/moonpool/query/README.md"] = "# query\n",
    ["lua/moonpool/query/select.lua"] = 'local term = require("moonpool.sql.term")\nreturn term\n',
  }
end

-- What is said of the sound tree after `path` was given `text` (nil: was taken away).
local function after(path, text)
  local files = sound()
  files[path] = text
  return check_tree(files)
end

local function says(found, ...)
  assert.are.equal(1, #found, table.concat(found, "\n"))
  for _, part in ipairs { ... } do
    assert.is_truthy(found[1]:find(part, 1, true), found[1] .. "\nshould say: " .. part)
  end
  assert.is_truthy(found[1]:find("Cure: ", 1, true))
end

local function is_sound(found)
  assert.are.equal("", table.concat(found, "\n"))
end

describe("the structure check", function()
  it("lets a sound tree stand", function()
    is_sound(check_tree(sound()))
  end)

  it("is not content with an empty folder", function()
    assert.has_error(function() check_tree { ["build/x.hpp"] = "" } end)
  end)

  describe("on floors", function()
    it("refuses an include that looks up", function()
      says(after("engine/base/error.hpp", '#pragma once\n#include "wire/pq.hpp"\n'),
        "engine/base/error.hpp:2:", "base on floor 0 looks up to wire on floor 3")
    end)
    it("refuses a neighbour", function()
      local files = sound()
      files["engine/policy/README.md"] = "# policy\n"
      files["engine/policy/retry.cpp"] = '#include "observe/log.hpp"\n'
      says(check_tree(files), "engine/policy/retry.cpp:1:", "neighbour observe")
    end)
    it("counts public headers as the api floor", function()
      says(after("engine/wire/pq.cpp", "#include <moonpool/moonpool.hpp>\n"), "wire on floor 3 looks up to api")
    end)
    it("wants includes written from the root", function()
      says(after("engine/wire/pq.cpp", '#include "pq.hpp"\n'), "engine/wire/pq.cpp:1:", "wire/pq.hpp")
    end)
    it("wants every folder to have one", function()
      local found = after("engine/cellar/wine.cpp", "int x;\n")
      assert.is_truthy(table.concat(found, "\n"):find("engine/cellar has no floor", 1, true))
    end)
    it("refuses an include of a folder that has none", function()
      says(after("engine/wire/pq.cpp", '#include "cellar/wine.hpp"\n'), "has no floor")
    end)
    it("refuses a require that looks up", function()
      says(after("lua/moonpool/core/rows.lua", 'local x = 1\nlocal sql = require "moonpool.sql.term"\n'),
        "lua/moonpool/core/rows.lua:2:", "core on floor 0 looks up to sql on floor 1")
    end)
    it("refuses a require of a neighbour, in brackets and single quotes", function()
      local files = sound()
      files["lua/moonpool/schema/README.md"] = "# schema\n"
      files["lua/moonpool/schema/diff.lua"] = "local q = require('moonpool.query.select')\n"
      says(check_tree(files), "lua/moonpool/schema/diff.lua:1:", "neighbour query")
    end)
    it("refuses a require of the face from below", function()
      says(after("lua/moonpool/query/select.lua", 'return require "moonpool"\n'), "looks up to the face")
    end)
    it("refuses a require of a folder that has none", function()
      says(after("lua/moonpool/query/select.lua", 'return require "moonpool.cellar.wine"\n'), "has no floor")
    end)
    it("reads past comments", function()
      is_sound(after("lua/moonpool/core/rows.lua", '-- as require "moonpool.sql.term" would\nreturn {}\n'))
    end)
  end)

  describe("on third-party headers", function()
    it("keeps each at home", function()
      says(after("engine/base/error.cpp", "#include <libpq-fe.h>\n"),
        "engine/base/error.cpp:1:", "libpq", "engine/wire/")
      says(after("engine/wire/pq.cpp", "#include <spdlog/spdlog.h>\n"), "spdlog", "engine/observe/")
      says(after("repl/main.cpp", "#include <lua.hpp>\n"), "LuaJIT", "engine/script/")
      is_sound(after("repl/main.cpp", "#include <CLI/CLI.hpp>\n#include <readline/readline.h>\n"))
    end)
    it("keeps some out of headers", function()
      says(after("engine/wire/json.hpp", "#include <nlohmann/json.hpp>\n"), "engine/wire/json.hpp:1:", "by a header")
      is_sound(after("engine/wire/json.cpp", "#include <nlohmann/json.hpp>\n"))
    end)
    it("keeps installed headers free of anything a host has not got", function()
      local header = "engine/api/include/moonpool/moonpool.hpp"
      says(after(header, '#include "base/error.hpp"\n'), "installed header", "base/error.hpp")
      says(after(header, '#include <unistd.h>\n'), "installed header")
      is_sound(after("engine/api/include/moonpool/pqxx.hpp", "#include <pqxx/pqxx>\n"))
    end)
  end)

  describe("on lines", function()
    it("holds the length of a file", function()
      is_sound(after("engine/base/long.cpp", ("int x;\n"):rep(500)))
      says(after("engine/base/long.cpp", ("int x;\n"):rep(501)), "engine/base/long.cpp:501:", "501 lines")
      says(after("lua/moonpool/core/long.lua", ("x()\n"):rep(900)), "900 lines")
    end)
    it("finds work left undone", function()
      says(after("engine/base/a.cpp", "int x;  // TO" .. "DO: y\n"), "engine/base/a.cpp:1:")
      says(after("lua/moonpool/core/a.lua", "-- FIX" .. "ME\n"), "lua/moonpool/core/a.lua:1:")
      is_sound(after("engine/base/a.cpp", "mkstemp(path_XXXXXX);\n"))
    end)
    it("refuses pairs where text is rendered", function()
      says(after("lua/moonpool/sql/in.lua", "local t = {}\nfor k in pairs(t) do end\n"),
        "lua/moonpool/sql/in.lua:2:", "order-free: why")
      says(after("lua/moonpool/query/in.lua", "for k in next, t do end\n"), "another order")
      is_sound(after("lua/moonpool/core/in.lua", "for k in pairs(t) do end\n"))
    end)
    it("takes a reason for it, and only with words", function()
      is_sound(after("lua/moonpool/sql/in.lua", "for k in pairs(t) do end -- order-free: only counts\n"))
      is_sound(after("lua/moonpool/sql/in.lua", "-- order-free: only counts\nfor k in pairs(t) do end\n"))
      says(after("lua/moonpool/sql/in.lua", "for k in pairs(t) do end -- order-free:\n"), "another order")
    end)
    it("sees that what is gathered is sorted right after", function()
      is_sound(after("lua/moonpool/sql/in.lua", "for k in pairs(t) do keys[#keys + 1] = k end\ntable.sort(keys)\n"))
      is_sound(after("lua/moonpool/sql/in.lua",
        "for k in pairs(t) do\n  if k then\n    keys[#keys + 1] = k\n  end\nend\ntable.sort(keys, before)\n"))
      says(after("lua/moonpool/sql/in.lua", "for k in pairs(t) do keys[#keys + 1] = k end\ntable.sort(others)\n"),
        "another order")
      says(after("lua/moonpool/sql/in.lua",
        "for k in pairs(t) do keys[#keys + 1] = k end\n" .. ("x()\n"):rep(9) .. "table.sort(keys)\n"), "another order")
    end)
    it("knows what only looks like pairs", function()
      is_sound(after("lua/moonpool/sql/in.lua",
        "for k in ipairs(t) do end\nfor k in sorted_pairs(t) do end\nfor k in tree.pairs(t) do end\n-- pairs(t)\n"))
    end)
  end)

  describe("on pages", function()
    it("wants a README in every folder of the house", function()
      local files = sound()
      files["engine/wire/README.md"] = nil
      says(check_tree(files), "engine/wire/README.md:1:", "no README")
      files = sound()
      files["lua/moonpool/sql/README.md"] = nil
      says(check_tree(files), "lua/moonpool/sql/README.md:1:")
    end)
    it("holds its length", function()
      is_sound(after("engine/wire/README.md", ("line\n"):rep(25)))
      says(after("engine/wire/README.md", ("line\n"):rep(26)), "26 lines")
    end)
    it("finds every setting in the guide", function()
      local files = sound()
      files["engine/api/config.cpp"] = '{"pool.max", x},\n{"pool.min",\n x},\n{"prepare", x},\n'
      files["docs/guide/pool.md"] = "| `pool.max`, `.min` | 10 |\n| `prepare` | auto |\n"
      is_sound(check_tree(files))
      files["docs/guide/pool.md"] = "| `pool.max` | 10 |\n| `prepare` | auto |\n"
      says(check_tree(files), "config.cpp:2:", "setting pool.min")
      files["docs/guide/pool.md"] = "| `pool.max`, `.min` | 10 |\nprepare\n"
      says(check_tree(files), "config.cpp:4:", "setting prepare")
    end)
    it("follows links to files and headings", function()
      says(after("docs/a.md", "\nsee [it](b.md)\n"), "docs/a.md:2:", "b.md leads nowhere")
      says(after("docs/a.md", "[it](../README.md#nothing)\n"), "docs/a.md:1:", "no heading #nothing")
      says(after("docs/a.md", "[out](../../secret)\n"), "leads nowhere")
      is_sound(after("docs/a.md", "[it](../README.md#more-of-it) [web](https://example.org/x) [folder](../engine/)\n"))
      is_sound(after("docs/a.md", "```\n[it](b.md)\n```\nand `[it](b.md)`\n"))
    end)
  end)
end)
