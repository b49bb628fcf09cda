-- extract.lua PAGE SOURCE: writes the C++ blocks of a page as a source, each a function, on the lines they have there.
local page, source = arg[1], arg[2]

local includes, functions = {}, {}
local inside, number = false, 0
for line in io.lines(page) do
  number = number + 1
  if line == "```cpp" then
    inside = true
    functions[#functions + 1] = ("void at_line_%d() {\n#line %d \"%s\""):format(number + 1, number + 1, page)
  elseif inside and line == "```" then
    inside = false
    functions[#functions + 1] = "}\n"
  elseif inside and line:find "^#include" then
    includes[#includes + 1] = line
    functions[#functions + 1] = ""
  elseif inside then
    -- An ellipsis stands for what the reader has.
    functions[#functions + 1] = (line:gsub("= …", "= {}"):gsub("…", ""))
  end
end
assert(not inside, page .. " has a block that is never closed")

local out = assert(io.open(source, "w"))
out:write('#include "snippets/ground.hpp"\n', table.concat(includes, "\n"), "\n\nnamespace {\n\n",
  table.concat(functions, "\n"), "\n}  // namespace\n")
out:close()
