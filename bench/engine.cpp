// One connection's worth of work, done by libpq in C, by libpqxx, by Moonpool in C++ and by Moonpool in Lua, in turns and
// in one process: each figure is the median of the rounds, and each ratio is to libpq in the same run.
//
//   bench_engine [ROUNDS]     on the server MOONPOOL_PRIMARY names
#include <libpq-fe.h>
#include <poll.h>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <moonpool/moonpool.hpp>
#include <moonpool/script_host.hpp>
#include <pqxx/pqxx>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr int kPoints = 4000;
constexpr int kBatches = 60;
constexpr int kBatch = 100;
constexpr int kTasks = 64;
constexpr int kConnections = 4;
constexpr int kEach = 200;
constexpr int kRows = 200'000;
constexpr char kPoint[] = "select id, name, price from bench where id = $1";
constexpr char kFetch[] = "select id, name, price from bench order by id";

struct Result {
  PGresult* held;
  explicit Result(PGresult* result) : held(result) {
    auto const status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_PIPELINE_SYNC) {
      throw std::runtime_error(PQresultErrorMessage(result));
    }
  }
  ~Result() { PQclear(held); }
  Result(Result const&) = delete;
  Result& operator=(Result const&) = delete;
};

// What every peer must arrive at, so that none skips the work.
long long read_row(PGresult const* result, int row) {
  return std::strtoll(PQgetvalue(result, row, 0), nullptr, 10) + PQgetlength(result, row, 1) +
         PQgetlength(result, row, 2);
}

class Libpq {
 public:
  explicit Libpq(char const* dsn) : raw_(PQconnectdb(dsn)) {
    if (PQstatus(raw_) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(raw_));
    Result const ready(PQprepare(raw_, "point", kPoint, 1, nullptr));
  }
  ~Libpq() { PQfinish(raw_); }
  Libpq(Libpq const&) = delete;
  Libpq& operator=(Libpq const&) = delete;

  long long points() {
    long long sum = 0;
    for (int i = 1; i <= kPoints; ++i) {
      auto const id = std::to_string(i);
      char const* const values[] = {id.c_str()};
      Result const result(PQexecPrepared(raw_, "point", 1, values, nullptr, nullptr, 0));
      sum += read_row(result.held, 0);
    }
    return sum;
  }

  long long batches() {
    PQenterPipelineMode(raw_);
    long long sum = 0;
    for (int round = 0; round < kBatches; ++round) {
      for (int i = 1; i <= kBatch; ++i) {
        auto const id = std::to_string(i);
        char const* const values[] = {id.c_str()};
        PQsendQueryPrepared(raw_, "point", 1, values, nullptr, nullptr, 0);
      }
      PQpipelineSync(raw_);
      for (int i = 1; i <= kBatch; ++i) {
        Result const result(PQgetResult(raw_));
        sum += read_row(result.held, 0);
        PQgetResult(raw_);
      }
      Result const sync(PQgetResult(raw_));
    }
    PQexitPipelineMode(raw_);
    return sum;
  }

  // The fetch alone: what the network and libpq take, whoever reads.
  long long fetch(bool read) {
    Result const result(PQexec(raw_, kFetch));
    if (!read) return 0;
    long long sum = 0;
    for (int row = 0; row < PQntuples(result.held); ++row) sum += read_row(result.held, row);
    return sum;
  }

 private:
  PGconn* raw_;
};

// So many statements under way on each of a few connections, a Sync behind each, because each stands alone.
class Pipelines {
 public:
  explicit Pipelines(char const* dsn) {
    for (auto& raw : raws_) {
      raw = PQconnectdb(dsn);
      if (PQstatus(raw) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(raw));
      Result const ready(PQprepare(raw, "point", kPoint, 1, nullptr));
      PQsetnonblocking(raw, 1);
      PQenterPipelineMode(raw);
    }
  }
  ~Pipelines() {
    for (auto* raw : raws_) PQfinish(raw);
  }
  Pipelines(Pipelines const&) = delete;
  Pipelines& operator=(Pipelines const&) = delete;

  long long points() {
    sum_ = 0;
    next_ = 0;
    for (int i = 0; i < kTasks; ++i) send(i % kConnections);
    while (left_ > 0) {
      pollfd watched[kConnections];
      for (int i = 0; i < kConnections; ++i) watched[i] = {PQsocket(raws_[i]), POLLIN, 0};
      poll(watched, kConnections, -1);
      for (int i = 0; i < kConnections; ++i) {
        if (watched[i].revents != 0) read(i);
      }
    }
    return sum_;
  }

 private:
  void send(int at) {
    if (next_ == kTasks * kEach) return;
    auto const id = std::to_string(next_++ % kEach + 1);
    char const* const values[] = {id.c_str()};
    PQsendQueryPrepared(raws_[at], "point", 1, values, nullptr, nullptr, 0);
    PQpipelineSync(raws_[at]);
    ++owed_[at];
    ++left_;
  }
  void read(int at) {
    PQconsumeInput(raws_[at]);
    while (owed_[at] > 0 && PQisBusy(raws_[at]) == 0) {
      auto* const result = PQgetResult(raws_[at]);
      if (result == nullptr) continue;
      Result const held(result);
      if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        sum_ += read_row(result, 0);
      } else {
        --owed_[at];
        --left_;
        send(at);
      }
    }
  }

  PGconn* raws_[kConnections] = {};
  int owed_[kConnections] = {};  // answers
  int left_ = 0;                 // in all
  int next_ = 0;
  long long sum_ = 0;
};

class Libpqxx {
 public:
  explicit Libpqxx(char const* dsn) : connection_(dsn) { connection_.prepare("point", kPoint); }

  static long long read(pqxx::row const& row) {
    return row[0].as<long long>() + static_cast<long long>(row[1].size() + row[2].size());
  }
  long long points() {
    pqxx::nontransaction tx(connection_);
    long long sum = 0;
    for (int i = 1; i <= kPoints; ++i)
      sum += read(tx.exec(pqxx::prepped{"point"}, pqxx::params{i}).one_row());
    return sum;
  }
  long long fetch() {
    pqxx::nontransaction tx(connection_);
    long long sum = 0;
    for (auto const& row : tx.exec(kFetch)) sum += read(row);
    return sum;
  }

 private:
  pqxx::connection connection_;
};

class Moonpool {
 public:
  explicit Moonpool(char const* dsn, int connections = 1)
      : cluster_(moonpool::Cluster::connect({.primary = dsn, .pool_max = connections})),
        session_(cluster_.session()) {}

  static long long read(moonpool::Row const& row) {
    return row[0].as<long long>() +
           static_cast<long long>(row[1].text().size() + row[2].text().size());
  }
  long long points() {
    long long sum = 0;
    for (int i = 1; i <= kPoints; ++i) sum += read(session_.query(kPoint, i)[0]);
    return sum;
  }
  long long batches() {
    long long sum = 0;
    for (int round = 0; round < kBatches; ++round) {
      std::vector<std::string> ids;
      std::vector<mp_value> values;
      std::vector<mp_statement> statements;
      ids.reserve(kBatch);
      values.reserve(kBatch);
      for (int i = 1; i <= kBatch; ++i) {
        ids.push_back(std::to_string(i));
        values.push_back({ids.back().data(), ids.back().size(), 0});
        statements.push_back({kPoint, sizeof kPoint - 1, &values.back(), 1});
      }
      mp_run_options options{};
      options.size = sizeof options;
      options.flags = MP_ATOMIC;  // one Sync, as the others
      auto const op = moonpool::detail::finish(
          mp_run(session_.handle(), statements.data(), statements.size(), &options));
      for (std::size_t i = 0; i < statements.size(); ++i) {
        moonpool::Rows const rows(mp_op_result(op.get(), i));
        sum += read(rows[0]);
      }
    }
    return sum;
  }
  long long fetch() {
    long long sum = 0;
    for (auto const& row : session_.query(kFetch)) sum += read(row);
    return sum;
  }
  // What a host does that has many requests at once: it steps the operations, and waits for any.
  long long tasks() {
    struct Task {
      moonpool::detail::Handle<mp_op> op;
      int left = kEach;
    };
    std::vector<Task> all(kTasks);
    std::vector<mp_wait> waits(kTasks);
    std::vector<unsigned char> ready(kTasks, 1);
    long long sum = 0;
    int live = 0;
    auto const ask = [this](Task& task) {
      auto const id = std::to_string(kEach - --task.left);
      mp_value const value{id.data(), id.size(), 0};
      mp_statement const statement{kPoint, sizeof kPoint - 1, &value, 1};
      mp_run_options options{};
      options.size = sizeof options;
      options.route = MP_READ;
      task.op.reset(mp_run(session_.handle(), &statement, 1, &options));
    };
    for (auto& task : all) {
      ask(task);
      ++live;
    }
    while (live > 0) {
      for (std::size_t i = 0; i < all.size(); ++i) {
        auto& task = all[i];
        if (!task.op || ready[i] == 0) continue;
        while (task.op && mp_op_step_together(task.op.get(), MP_READY, &waits[i]) != MP_PENDING) {
          moonpool::Rows const rows(mp_op_result(task.op.get(), 0));
          sum += read(rows[0]);
          task.op.reset();
          if (task.left > 0) {
            ask(task);
          } else {
            waits[i] = {-1, 0, -1, nullptr};
            --live;
          }
        }
      }
      if (live > 0) mp_wait_any(waits.data(), waits.size(), -1, ready.data());
    }
    return sum;
  }
  moonpool::Cluster const& cluster() const { return cluster_; }

 private:
  moonpool::Cluster cluster_;
  moonpool::Session session_;
};

constexpr char kLua[] = R"lua(
local moonpool = require "moonpool"
local point = "select id, name, price from bench where id = ?"

function points(n)
  local sum = 0
  for i = 1, n do
    local row = db:query_row(point, i)
    sum = sum + row.id + #row.name + #row.price
  end
  return sum
end

function batches(n, size)
  local sum = 0
  for _ = 1, n do
    local results = db:batch(function(b)
      for i = 1, size do b:add(point, i) end
    end)
    for i = 1, size do
      local row = results[i]:first()
      sum = sum + row.id + #row.name + #row.price
    end
  end
  return sum
end

function tasks(n, each)
  local sum = 0
  local function work()
    for i = 1, each do
      local row = db:read_query(point, i):first()
      sum = sum + row.id + #row.name + #row.price
    end
  end
  local all = {}
  for i = 1, n do all[i] = work end
  moonpool.gather(unpack(all))
  return sum
end

function fetch(as)
  local result, sum = db:query "select id, name, price from bench order by id", 0
  if as == "lazily" then
    for row in result:each() do sum = sum + row.id + #row.name + #row.price end
  else
    local all = result:all()
    for i = 1, #all do sum = sum + all[i].id + #all[i].name + #all[i].price end
  end
  return sum
end
)lua";

struct Entry {
  char const* who;
  std::function<long long()> work;
  std::vector<double> seconds;
  long long sum = 0;
};

struct Measure {
  char const* what;
  char const* unit;
  double scale;  // seconds of one run to the unit
  std::vector<Entry> entries;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void run(Measure& measure, int rounds) {
  for (int round = 0; round < rounds; ++round) {
    for (auto& entry : measure.entries) {
      auto const begun = std::chrono::steady_clock::now();
      auto const sum = entry.work();
      entry.seconds.push_back(
          std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
      entry.sum = sum;
    }
  }
  auto const& last = measure.entries.back();
  for (auto const& entry : measure.entries) {
    if (entry.sum != 0 && entry.sum != last.sum)
      throw std::runtime_error(std::string(entry.who) + " read something else");
  }
  auto const base = median(measure.entries.front().seconds);
  std::printf("\n%s\n", measure.what);
  for (auto const& entry : measure.entries) {
    auto const middle = median(entry.seconds);
    std::printf("  %-38s %9.2f %-4s %6.2f x\n", entry.who, middle * measure.scale, measure.unit,
                middle / base);
  }
}

void prepare(char const* dsn) {
  pqxx::connection connection(dsn);
  pqxx::nontransaction tx(connection);
  tx.exec("drop table if exists bench");
  tx.exec("create table bench (id int primary key, name text not null, price numeric not null)");
  tx.exec(
      "insert into bench select g, substr(md5(g::text), 1, 14), g * 1.25 from "
      "generate_series(1, " +
      std::to_string(kRows) + ") g");
  tx.exec("vacuum analyze bench");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    char const* const dsn = std::getenv("MOONPOOL_PRIMARY");
    if (dsn == nullptr) throw std::runtime_error("say in MOONPOOL_PRIMARY which server to use");
    int const rounds = argc > 1 ? std::atoi(argv[1]) : 9;
    prepare(dsn);
    Libpq libpq(dsn);
    Libpqxx libpqxx(dsn);
    Moonpool ours(dsn);
    moonpool::ScriptHost lua(ours.cluster());
    lua.run_string(kLua, "=bench");
    auto const from_lua = [&lua](char const* name, auto... args) {
      return [&lua, name, args...] { return lua.call(name, args...).template as<long long>(); };
    };
    Pipelines pipelines(dsn);
    Moonpool shared(dsn, kConnections);
    moonpool::ScriptHost tasks(shared.cluster());
    tasks.run_string(kLua, "=bench");
    std::vector<Measure> measures;
    measures.push_back({"point query by primary key, one after the other",
                        "us",
                        1e6 / kPoints,
                        {{"libpq in C, prepared", [&] { return libpq.points(); }, {}},
                         {"libpqxx, prepared", [&] { return libpqxx.points(); }, {}},
                         {"Moonpool in C++", [&] { return ours.points(); }, {}},
                         {"Moonpool in Lua", from_lua("points", kPoints), {}}}});
    measures.push_back({"a batch of 100 point queries",
                        "us",
                        1e6 / kBatches,
                        {{"libpq in C, pipelined by hand", [&] { return libpq.batches(); }, {}},
                         {"Moonpool in C++", [&] { return ours.batches(); }, {}},
                         {"Moonpool in Lua", from_lua("batches", kBatches, kBatch), {}}}});
    measures.push_back({"point query, 64 side by side on 4 connections",
                        "us",
                        1e6 / (kTasks * kEach),
                        {{"libpq in C, pipelined by hand", [&] { return pipelines.points(); }, {}},
                         {"Moonpool in C++, stepped", [&] { return shared.tasks(); }, {}},
                         {"Moonpool in Lua, as tasks",
                          [&] { return tasks.call("tasks", kTasks, kEach).as<long long>(); },
                          {}}}});
    measures.push_back(
        {"200,000 rows of three columns",
         "ms",
         1e3,
         {{"libpq in C, fetched and not read", [&] { return libpq.fetch(false); }, {}},
          {"libpq in C, every value read", [&] { return libpq.fetch(true); }, {}},
          {"libpqxx, every value read", [&] { return libpqxx.fetch(); }, {}},
          {"Moonpool in C++, every value read", [&] { return ours.fetch(); }, {}},
          {"Moonpool in Lua, lazily, every value", from_lua("fetch", "lazily"), {}},
          {"Moonpool in Lua, as tables", from_lua("fetch", "tables"), {}}}});
    for (auto& measure : measures) run(measure, rounds);
    shared.cluster().close();
    ours.cluster().close();
    return 0;
  } catch (std::exception const& error) {
    std::fprintf(stderr, "bench_engine: %s\n", error.what());
    return 1;
  }
}
