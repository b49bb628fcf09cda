--- The reading jobs by libpq itself, called through LuaJIT's FFI by hand: what Lua cannot do without. The values become
--- Lua's numbers and strings, as everywhere here; `fetch` reads none of them.

local ffi = require "ffi"
local job = require "bench.peers.job" "libpq by hand"

ffi.cdef [[
typedef struct bench_conn bench_conn;
typedef struct bench_result bench_result;
bench_conn* PQconnectdb(const char*);
bench_result* PQexec(bench_conn*, const char*);
bench_result* PQprepare(bench_conn*, const char*, const char*, int, const unsigned*);
bench_result* PQexecPrepared(bench_conn*, const char*, int, const char* const*, const int*, const int*, int);
int PQntuples(const bench_result*);
int PQgetisnull(const bench_result*, int, int);
char* PQgetvalue(const bench_result*, int, int);
int PQgetlength(const bench_result*, int, int);
void PQclear(bench_result*);
void PQfinish(bench_conn*);
int atoi(const char*);
]]

local pq, C, text = ffi.load "libpq.so.5", ffi.C, ffi.string
local con = pq.PQconnectdb(os.getenv "MOONPOOL_PRIMARY")
local SCAN, NUMBERS = os.getenv "BENCH_SCAN", os.getenv "BENCH_NUMBERS"
local ROWS = tonumber(os.getenv "BENCH_ROWS")

local function number(result, row, column)
  if pq.PQgetisnull(result, row, column) ~= 0 then return nil end
  return C.atoi(pq.PQgetvalue(result, row, column))
end

local function string(result, row, column)
  if pq.PQgetisnull(result, row, column) ~= 0 then return nil end
  return text(pq.PQgetvalue(result, row, column), pq.PQgetlength(result, row, column))
end

job("fetch", function() pq.PQclear(pq.PQexec(con, SCAN)) end)
job("fetch numbers", function() pq.PQclear(pq.PQexec(con, NUMBERS)) end)

job("scan", function()
  local result, sum = pq.PQexec(con, SCAN), 0
  for row = 0, pq.PQntuples(result) - 1 do
    sum = sum + number(result, row, 0) + #string(result, row, 1) + number(result, row, 2)
  end
  pq.PQclear(result)
  assert(sum > 0)
end)

job("numbers", function()
  local result, sum = pq.PQexec(con, NUMBERS), 0
  for row = 0, pq.PQntuples(result) - 1 do sum = sum + number(result, row, 0) + number(result, row, 1) end
  pq.PQclear(result)
  assert(sum > 0)
end)

job("tables", function()
  local result, list = pq.PQexec(con, SCAN), {}
  for row = 0, pq.PQntuples(result) - 1 do
    list[row + 1] = { id = number(result, row, 0), name = string(result, row, 1), age = number(result, row, 2) }
  end
  pq.PQclear(result)
  assert(#list == ROWS)
end)

pq.PQclear(pq.PQprepare(con, "point", "select id, name, age from bench_rows where id = $1", 1, nil))
local values = ffi.new "const char*[1]"

job("point", function()
  for i = 1, 2000 do
    local id = tostring(i)
    values[0] = id
    local result = pq.PQexecPrepared(con, "point", 1, values, nil, nil, 0)
    local row = { id = number(result, 0, 0), name = string(result, 0, 1), age = number(result, 0, 2) }
    pq.PQclear(result)
    assert(row.id == i)
  end
end)

pq.PQfinish(con)
