--- Texts that have broken SQL builders: quotes of every kind, comments, placeholders, operators, broken UTF-8, edges.

local M = {
  "'", "''", "\\'", "E'\\''", "';--", '";--', '"', '""', '"" ""', '"; drop table canary; --', "$$", "$a$ $b$",
  "$tag$; drop table canary; --", "$1", "$0", "$99999", "-", "--", "-1", "/*", "*/", "/* /* */", "--\r", "--\n", "\\",
  "\\\\", "a\\", "’", "＇", "＂", "\226\128\174", "\239\187\191", "id; delete from canary", "id;delete from canary--",
  "case when (select 1) then 1 end", "(select 1)", "1 or 1=1", "1=1) or (1=1", "' or '1'='1", "?", "??", "?|", "?&",
  "@?", ":name", "::text", "[1:2]", "'?'", "%", "_", "\\%", "[]", "{{},{}}", '{"a,b"}', "{}", "NULL", '"NULL"', "null",
  "$.a ? (@ > 1)", "'infinity'", "0044-01-01 BC", "NaN", "pg_temp", "pg_catalog.pg_class", '"."', "a.b.c",
  'public"."users', "select", "user", "desc", "order by", "id desc", "id as x", "id desc nulls last", "*", "u.*",
  "\t", "\n", " ", "", "a b", "count(*)", "now()", "a-b", "a,b", "a;b", "a\"b", ("x"):rep(62), ("x"):rep(63),
  ("x"):rep(64), ("x"):rep(65), ("x"):rep(62) .. "é", ("é"):rep(31), ("é"):rep(32), "до", "\\x00", "\\u0000",
  "</script>", "${x}", "#{x}", "\127", "\27[31m",
  -- What no text in PostgreSQL may hold.
  "\0", "a\0b", "\xc0'", "\xe0\x27", "\xed\xa0\x80", "\xc1\x81", "\xf5\x80\x80\x80", "\xff", "a\xc3",
}

return M
