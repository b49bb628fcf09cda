-- A pure-Lua stand-in with the contract of the engine's scanner, for specs that run without the engine.
local M = {}

local function skip(sql, i)
  local c = sql:sub(i, i)
  if c == "'" then
    local escaped = sql:sub(i - 1, i - 1):find "[eE]" and not sql:sub(i - 2, i - 2):find "[%w_]"
    local j = i + 1
    while true do
      local d = sql:sub(j, j)
      if d == "" then error("unterminated string literal", 0) end
      if d == "\\" and escaped then j = j + 2
      elseif d == "'" then
        if sql:sub(j + 1, j + 1) == "'" then j = j + 2 else return j + 1 end
      else j = j + 1 end
    end
  elseif c == '"' then
    local j = sql:find('"', i + 1, true)
    if not j then error("unterminated quoted identifier", 0) end
    return j + 1
  elseif sql:find("^%-%-", i) then
    local j = sql:find("[\r\n]", i)
    return j or #sql + 1
  elseif sql:find("^/%*", i) then
    local depth, j = 1, i + 2
    while depth > 0 do
      if j > #sql then error("unterminated comment", 0) end
      if sql:find("^/%*", j) then depth, j = depth + 1, j + 2
      elseif sql:find("^%*/", j) then depth, j = depth - 1, j + 2
      else j = j + 1 end
    end
    return j
  elseif c == "$" and not sql:sub(i - 1, i - 1):find "[%w_$\128-\255]" then
    local tag = sql:match("^%$[%a_\128-\255]?[%w_\128-\255]*%$", i)
    if tag then
      local _, stop = sql:find(tag, i + #tag, true)
      if not stop then error("unterminated dollar quote", 0) end
      return stop + 1
    end
  end
end

function M.scan(sql)
  local out, names, index, n, style, i = {}, {}, {}, 0, "none", 1
  while i <= #sql do
    local after = skip(sql, i)
    local name = not after and sql:match("^:([%a_][%w_]*)", i)
    if after then
      out[#out + 1] = sql:sub(i, after - 1)
      i = after
    elseif sql:find("^%?%?", i) then
      out[#out + 1] = "?"
      i = i + 2
    elseif sql:sub(i, i) == "?" then
      if style == "named" then error("? and :name are mixed in one statement", 0) end
      style, n = "positional", n + 1
      out[#out + 1] = "$" .. n
      i = i + 1
    elseif sql:find("^%$%d", i) and not sql:sub(i - 1, i - 1):find "[%w_$\128-\255]" then
      style = "native"
      out[#out + 1] = "$"
      i = i + 1
    elseif sql:find("^::", i) then
      out[#out + 1] = "::"
      i = i + 2
    elseif name and not sql:sub(i - 1, i - 1):find "[%w_%]]" then
      if style == "positional" then error("? and :name are mixed in one statement", 0) end
      style = "named"
      if not index[name] then
        n = n + 1
        index[name], names[n] = n, name
      end
      out[#out + 1] = "$" .. index[name]
      i = i + 1 + #name
    else
      out[#out + 1] = sql:sub(i, i)
      i = i + 1
    end
  end
  return { text = table.concat(out), style = style, n = n, names = names }
end

return M
