--- A 128-bit hash of text (MurmurHash3, x86 128), as 32 hexadecimal digits.
--
-- It answers "are these two fact sets the same?" and names a set in one line. It guards against accident, not
-- against an enemy: whoever may write the schema may write the hash too.

local bit = require "bit"

local M = {}

local band, bxor, rol, rshift, lshift, tobit, tohex =
  bit.band, bit.bxor, bit.rol, bit.rshift, bit.lshift, bit.tobit, bit.tohex

-- 32-bit product: the high half of one factor goes separately, so no partial product leaves 2^53.
local function mul(a, b)
  return tobit(band(a, 0xffff) * b + lshift(tobit(rshift(a, 16) * band(b, 0xffff)), 16))
end

local function mix(h)
  h = mul(bxor(h, rshift(h, 16)), 0x85ebca6b)
  h = mul(bxor(h, rshift(h, 13)), 0xc2b2ae35)
  return bxor(h, rshift(h, 16))
end

local C1, C2, C3, C4 = 0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93

local function word(a, b, c, d)
  return a + lshift(b, 8) + lshift(c, 16) + lshift(d, 24)
end

---@param text string
---@return string
function M.of(text)
  local h1, h2, h3, h4 = 0, 0, 0, 0
  local n = #text
  local padded = text .. ("\0"):rep((16 - n % 16) % 16)
  for i = 1, #padded, 16 do
    local a, b, c, d, e, f, g, h, j, k, l, m, o, p, q, r = padded:byte(i, i + 15)
    h1 = bxor(h1, mul(rol(mul(word(a, b, c, d), C1), 15), C2))
    h1 = tobit(mul(tobit(rol(h1, 19) + h2), 5) + 0x561ccd1b)
    h2 = bxor(h2, mul(rol(mul(word(e, f, g, h), C2), 16), C3))
    h2 = tobit(mul(tobit(rol(h2, 17) + h3), 5) + 0x0bcaa747)
    h3 = bxor(h3, mul(rol(mul(word(j, k, l, m), C3), 17), C4))
    h3 = tobit(mul(tobit(rol(h3, 15) + h4), 5) + 0x96cd1c35)
    h4 = bxor(h4, mul(rol(mul(word(o, p, q, r), C4), 18), C1))
    h4 = tobit(mul(tobit(rol(h4, 13) + h1), 5) + 0x32ac3b17)
  end
  h1, h2, h3, h4 = bxor(h1, n), bxor(h2, n), bxor(h3, n), bxor(h4, n)
  h1 = tobit(h1 + h2 + h3 + h4)
  h2, h3, h4 = tobit(h2 + h1), tobit(h3 + h1), tobit(h4 + h1)
  h1, h2, h3, h4 = mix(h1), mix(h2), mix(h3), mix(h4)
  h1 = tobit(h1 + h2 + h3 + h4)
  h2, h3, h4 = tobit(h2 + h1), tobit(h3 + h1), tobit(h4 + h1)
  return tohex(h1) .. tohex(h2) .. tohex(h3) .. tohex(h4)
end

return M
