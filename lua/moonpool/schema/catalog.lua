--- The system catalogs' own oids (the same in every release) and readers of their text formats.

local M = {}

---@type table<string, integer>
M.oid = {
  pg_default_acl = 826, pg_type = 1247, pg_attribute = 1249, pg_proc = 1255, pg_class = 1259, pg_foreign_server = 1417,
  pg_user_mapping = 1418, pg_foreign_data_wrapper = 2328, pg_am = 2601, pg_amop = 2602, pg_amproc = 2603,
  pg_attrdef = 2604, pg_cast = 2605, pg_constraint = 2606, pg_conversion = 2607, pg_language = 2612,
  pg_namespace = 2615, pg_opclass = 2616, pg_operator = 2617, pg_rewrite = 2618, pg_trigger = 2620,
  pg_opfamily = 2753, pg_extension = 3079, pg_policy = 3256, pg_statistic_ext = 3381, pg_collation = 3456,
  pg_event_trigger = 3466, pg_transform = 3576, pg_ts_dict = 3600, pg_ts_parser = 3601, pg_ts_config = 3602,
  pg_ts_template = 3764, pg_subscription = 6100, pg_publication = 6104, pg_publication_rel = 6106,
  pg_publication_namespace = 6237,
}

local TOLD = {}
for _, oid in pairs(M.oid) do TOLD[oid] = true end  -- order-free: a table is filled

--- Whether facts are made of what this catalog holds.
---@param class integer
---@return boolean
function M.is_told(class)
  return TOLD[class] == true
end

--- The first oid that initdb does not use: whatever lies at or above it was made by somebody.
M.FIRST_USER_OID = 16384

--- Reads the text of a one-dimensional array; NULL elements become false.
---@param text? string  nil and "{}" give an empty list
---@return (string|false)[]
function M.array(text)
  local out = {}
  if not text or text == "{}" then return out end
  local i = text:find("{", 1, true) + 1
  local stop = #text
  while i <= stop do
    if text:byte(i) == 34 then
      local pieces, from = nil, i + 1
      while true do
        local q = text:find('["\\]', from)
        if text:byte(q) == 34 then
          local last = text:sub(from, q - 1)
          out[#out + 1] = pieces and table.concat(pieces) .. last or last
          i = q + 2
          break
        end
        pieces = pieces or {}
        pieces[#pieces + 1] = text:sub(from, q - 1) .. text:sub(q + 1, q + 1)
        from = q + 2
      end
    else
      local to = text:find("[,}]", i)
      local item = text:sub(i, to - 1)
      out[#out + 1] = item ~= "NULL" and item
      i = to + 1
    end
  end
  return out
end

local lists, known = {}, 0

--- Reads an int2vector, oidvector or a list of numbers with commas; the list is shared and must not be changed. Oids
--- come as the queries give them, as int4:
--- the upper half of their range is negative.
---@param text? string
---@return integer[]
function M.numbers(text)
  text = text or ""
  local out = lists[text]
  if out then return out end
  out = {}
  for digits in text:gmatch "-?%d+" do
    local n = tonumber(digits)
    out[#out + 1] = n >= 2147483648 and n - 4294967296 or n
  end
  if known > 5000 then lists, known = {}, 0 end
  lists[text], known = out, known + 1
  return out
end

--- Whether somebody made the object, rather than initdb.
---@param oid integer
---@return boolean
function M.is_users(oid)
  return oid >= M.FIRST_USER_OID or oid < 0
end

--- Reads options (`name=value` strings) as a map, and the names in their own order if that is not the sorted one:
--- PostgreSQL prints them in the order they were set, so a faithful copy must set them in that order.
---@param text? string
---@param prefix? string  put before each name
---@param map? table<string, string>  added to
---@param order? string[]  added to
---@return table<string, string>? map  nil if there are none
---@return string[]? order  nil if it is the sorted one
function M.options(text, prefix, map, order)
  if text then
    map, order = map or {}, order or {}
    for _, item in ipairs(M.array(text)) do
      local name, value = item:match "^([^=]*)=?(.*)$"
      name = (prefix or "") .. name
      map[name], order[#order + 1] = value, name
    end
  end
  if not order or #order == 0 then return nil, nil end
  return map, order
end

--- Puts a map of options under `attrs[key]`, its order under `attrs._key` if it is not the sorted one.
---@param attrs table
---@param key string
---@param map? table<string, string>
---@param order? string[]
function M.set_options(attrs, key, map, order)
  if not map then return end
  attrs[key] = map
  for i = 2, #order do
    if order[i] < order[i - 1] then
      attrs["_" .. key] = order
      return
    end
  end
end

--- The names of `attrs[key]` in the order they are to be set.
---@param attrs table
---@param key string
---@return string[]
function M.option_names(attrs, key)
  if attrs["_" .. key] then return attrs["_" .. key] end
  local names = {}
  for name in pairs(attrs[key] or {}) do names[#names + 1] = name end
  table.sort(names)
  return names
end

return M
