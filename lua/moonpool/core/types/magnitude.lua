--- Whole numbers of any length and no sign, as their digits: what decimals reckon with. Work is done on groups of
--- seven digits, whose products a Lua number holds exactly.

local M = {}

local BASE, WIDTH = 10000000, 7
local floor = math.floor

-- Groups of digits, the last ones first.
local function groups(digits)
  local list = {}
  for last = #digits, 1, -WIDTH do
    list[#list + 1] = tonumber(digits:sub(math.max(1, last - WIDTH + 1), last))
  end
  return list
end

local function text(list)
  local parts, n = {}, #list
  while n > 1 and list[n] == 0 do n = n - 1 end
  parts[1] = ("%d"):format(list[n] or 0)
  for i = n - 1, 1, -1 do parts[#parts + 1] = ("%07d"):format(list[i]) end
  return table.concat(parts)
end

local function stripped(digits)
  digits = digits:gsub("^0+", "")
  return digits == "" and "0" or digits
end

---Less than 0, 0, or more than 0.
---@param a string
---@param b string
---@return integer
function M.compare(a, b)
  a, b = stripped(a), stripped(b)
  if #a ~= #b then return #a - #b end
  return a == b and 0 or a < b and -1 or 1
end

---@param a string
---@param b string
---@return string
function M.add(a, b)
  local x, y, carry = groups(a), groups(b), 0
  for i = 1, math.max(#x, #y) do
    local sum = (x[i] or 0) + (y[i] or 0) + carry
    carry = sum >= BASE and 1 or 0
    x[i] = sum - carry * BASE
  end
  if carry > 0 then x[#x + 1] = carry end
  return text(x)
end

---a - b, where a is not the smaller.
---@param a string
---@param b string
---@return string
function M.subtract(a, b)
  local x, y, borrow = groups(a), groups(b), 0
  for i = 1, #x do
    local rest = x[i] - (y[i] or 0) - borrow
    borrow = rest < 0 and 1 or 0
    x[i] = rest + borrow * BASE
  end
  return text(x)
end

---@param a string
---@param b string
---@return string
function M.multiply(a, b)
  local x, y, out = groups(a), groups(b), {}
  for i = 1, #x + #y do out[i] = 0 end
  for i = 1, #x do
    local carry = 0
    for k = 1, #y do
      local sum = out[i + k - 1] + x[i] * y[k] + carry
      carry = floor(sum / BASE)
      out[i + k - 1] = sum - carry * BASE
    end
    out[i + #y] = out[i + #y] + carry
  end
  return text(out)
end

-- Long division by hand: one digit after the other.
---@param a string
---@param b string not zero
---@return string quotient
---@return string rest
function M.divide(a, b)
  local multiples = { [0] = "0" }
  for i = 1, 9 do multiples[i] = M.add(multiples[i - 1], b) end
  local quotient, rest = {}, "0"
  for i = 1, #a do
    rest = stripped(rest .. a:sub(i, i))
    local digit = 0
    while digit < 9 and M.compare(multiples[digit + 1], rest) <= 0 do digit = digit + 1 end
    if digit > 0 then rest = M.subtract(rest, multiples[digit]) end
    quotient[i] = digit
  end
  return stripped(table.concat(quotient)), rest
end

return M
