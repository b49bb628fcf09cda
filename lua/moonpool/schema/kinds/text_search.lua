--- Text search parsers, templates, dictionaries and configurations.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"

local OID = catalog.oid

local M = {}

M.queries = {
  ts_parsers = [[
select oid::int4, prsname, prsnamespace::int4, prsstart::text as start_fn, prstoken::text as token_fn,
  prsend::text as end_fn,
  nullif(prsheadline::oid, 0)::regproc::text as headline_fn, prslextype::text as lextypes_fn
from pg_ts_parser
where oid >= 16384
order by oid]],
  ts_templates = [[
select oid::int4, tmplname, tmplnamespace::int4, nullif(tmplinit::oid, 0)::regproc::text as init_fn,
  tmpllexize::text as lexize_fn
from pg_ts_template
where oid >= 16384
order by oid]],
  ts_dictionaries = [[
select d.oid::int4, d.dictname, d.dictnamespace::int4, d.dictowner::int4, d.dictinitoption,
  quote_ident(n.nspname) || '.' || quote_ident(t.tmplname) as template
from pg_ts_dict d
  join pg_ts_template t on t.oid = d.dicttemplate
  join pg_namespace n on n.oid = t.tmplnamespace
where d.oid >= 16384
order by d.oid]],
  ts_configurations = [[
select c.oid::int4, c.cfgname, c.cfgnamespace::int4, c.cfgowner::int4,
  quote_ident(n.nspname) || '.' || quote_ident(p.prsname) as parser
from pg_ts_config c
  join pg_ts_parser p on p.oid = c.cfgparser
  join pg_namespace n on n.oid = p.prsnamespace
where c.oid >= 16384
order by c.oid]],
  ts_mappings = [[
select m.mapcfg::int4, (select t.alias from ts_token_type(c.cfgparser) t where t.tokid = m.maptokentype) as token,
  m.mapdict::regdictionary::text as dictionary
from pg_ts_config_map m
  join pg_ts_config c on c.oid = m.mapcfg
where m.mapcfg >= 16384
order by m.mapcfg, m.maptokentype, m.mapseqno]],
}

local function read(cx, query, class, kind, prefix, attrs_of)
  for row in cx:rows(query) do
    local schema = cx:user_schema(row[prefix .. "namespace"])
    if schema and not cx:member(class, row.oid) then
      cx:add(class, row.oid, kind, names.id("schema", schema), attrs_of(row), schema, row[prefix .. "name"])
    end
  end
end

function M.read(cx)
  read(cx, "ts_parsers", OID.pg_ts_parser, "ts_parser", "prs", function(row)
    return { start = row.start_fn, gettoken = row.token_fn, ["end"] = row.end_fn, headline = row.headline_fn,
      lextypes = row.lextypes_fn }
  end)
  read(cx, "ts_templates", OID.pg_ts_template, "ts_template", "tmpl", function(row)
    return { init = row.init_fn, lexize = row.lexize_fn }
  end)
  read(cx, "ts_dictionaries", OID.pg_ts_dict, "ts_dictionary", "dict", function(row)
    return { owner = cx:role(row.dictowner), template = row.template, options = row.dictinitoption }
  end)
  read(cx, "ts_configurations", OID.pg_ts_config, "ts_configuration", "cfg", function(row)
    return { owner = cx:role(row.cfgowner), parser = row.parser }
  end)
  for row in cx:rows "ts_mappings" do
    local fact = cx:fact(OID.pg_ts_config, row.mapcfg)
    if fact then
      local mappings = fact.attrs.mappings or {}
      fact.attrs.mappings = mappings
      mappings[row.token] = mappings[row.token] or {}
      table.insert(mappings[row.token], row.dictionary)
    end
  end
end

local function label(word)
  return function(fact)
    return ("TEXT SEARCH %s %s"):format(word, names.qualified(fact.schema, fact.name))
  end
end

local function functions(attrs, list)
  local out = {}
  for _, key in ipairs(list) do
    if attrs[key] then out[#out + 1] = ("%s = %s"):format(key:upper(), attrs[key]) end
  end
  return table.concat(out, ", ")
end

M.kinds = {
  ts_parser = {
    label = label "PARSER",
    create = function(fact, e)
      e:add(("CREATE TEXT SEARCH PARSER %s (%s)"):format(names.qualified(fact.schema, fact.name),
        functions(fact.attrs, { "start", "gettoken", "end", "headline", "lextypes" })))
      e:comment(fact)
    end,
  },
  ts_template = {
    label = label "TEMPLATE",
    create = function(fact, e)
      e:add(("CREATE TEXT SEARCH TEMPLATE %s (%s)"):format(names.qualified(fact.schema, fact.name),
        functions(fact.attrs, { "init", "lexize" })))
      e:comment(fact)
    end,
  },
  ts_dictionary = {
    label = label "DICTIONARY",
    create = function(fact, e)
      local attrs = fact.attrs
      e:add(("CREATE TEXT SEARCH DICTIONARY %s (TEMPLATE = %s%s)"):format(names.qualified(fact.schema, fact.name),
        attrs.template, attrs.options and ", " .. attrs.options or ""))
      e:owner(fact)
      e:comment(fact)
    end,
  },
  ts_configuration = {
    label = label "CONFIGURATION",
    create = function(fact, e)
      local attrs, name = fact.attrs, names.qualified(fact.schema, fact.name)
      e:add(("CREATE TEXT SEARCH CONFIGURATION %s (PARSER = %s)"):format(name, attrs.parser))
      local tokens = {}
      for token in pairs(attrs.mappings or {}) do tokens[#tokens + 1] = token end
      table.sort(tokens)
      for _, token in ipairs(tokens) do
        e:add(("ALTER TEXT SEARCH CONFIGURATION %s ADD MAPPING FOR %s WITH %s"):format(name, names.quote(token),
          table.concat(attrs.mappings[token], ", ")))
      end
      e:owner(fact)
      e:comment(fact)
    end,
  },
}

return M
