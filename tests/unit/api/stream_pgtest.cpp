// Streams and COPY by the C++ face, as a host includes it.
#include <moonpool/moonpool.hpp>

#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "support/catch.hpp"
#include "support/server/dsn.hpp"

namespace {

using moonpool::Cluster;
using moonpool::Error;
using moonpool::Transaction;

Cluster connected() {
  return Cluster::connect({.primary = moonpool::test::primary_dsn(),
                           .replicas = {moonpool::test::replica_dsn()},
                           .more = {{"pool.max", "2"}}});
}

using Line = std::tuple<long long, std::optional<std::string>, bool, double>;

TEST_CASE("rows of any number, one after the other") {
  auto const cluster = connected();
  for (int const n : {0, 1, 5000}) {
    long long sum = 0;
    for (auto const row : cluster.stream("select i from generate_series(1, $1::int) i", n)) {
      sum += row["i"].as<long long>();
    }
    CHECK(sum == static_cast<long long>(n) * (n + 1) / 2);
  }
  bool there = false;
  for (auto const row : cluster.read_stream("select pg_is_in_recovery()"))
    there = row[0].as<bool>();
  CHECK(there);
  CHECK_THROWS_AS(cluster.stream("select nowhere"), Error);
}

TEST_CASE("a loop may be left early, and its connection is there for the next") {
  auto const cluster = connected();
  for (int i = 0; i < 6; ++i) {
    for (auto const row : cluster.stream("select i from generate_series(1, 10000000) i")) {
      if (row[0].as<int>() == 3) break;
    }
  }
  CHECK(cluster.query("select 1").scalar<int>() == 1);
}

TEST_CASE("a range of tuples goes in and comes out") {
  auto const cluster = connected();
  cluster.exec("drop table if exists face_copy");
  cluster.exec("create table face_copy (id bigint, name text, ok bool, score float8)");
  auto lines =
      std::views::iota(0, 10'000) | std::views::transform([](int i) {
        return Line(9'007'199'254'740'993LL + i,
                    i % 2 == 0 ? std::optional<std::string>("a\tb") : std::nullopt, true, i / 3.0);
      });
  CHECK(cluster.copy_in("face_copy", {"id", "name", "ok", "score"}, lines) == 10'000);
  CHECK(cluster.query("select min(id) from face_copy").scalar<long long>() ==
        9'007'199'254'740'993LL);
  CHECK(cluster.query("select count(name) from face_copy where name = E'a\\tb'").scalar<int>() ==
        5000);
  std::string text;
  CHECK(cluster.copy_out("copy (select id from face_copy order by 1 limit 2) to stdout",
                         [&](std::string_view piece) { text += piece; }) == 2);
  CHECK(text == "9007199254740993\n9007199254740994\n");
  cluster.transaction([](Transaction& tx) {
    tx.copy_in("public.face_copy", {"name"}, std::vector<std::tuple<char const*>>{{"in"}, {"tx"}});
    int n = 0;
    for (auto const row : tx.stream("select id from face_copy")) {
      if (!row[0].is_null() && ++n == 2) break;
      tx.exec("select 1");
    }
  });
  CHECK(cluster.query("select count(*) from face_copy").scalar<int>() == 10'002);
  cluster.exec("drop table face_copy");
}

TEST_CASE("what throws in the middle stores nothing") {
  auto const cluster = connected();
  cluster.exec("drop table if exists face_copy");
  cluster.exec("create table face_copy (id int)");
  auto const bad = std::views::iota(0, 50'000) | std::views::transform([](int i) {
                     if (i == 40'000) throw std::runtime_error("mine");
                     return std::tuple(i);
                   });
  CHECK_THROWS_WITH(cluster.copy_in("face_copy", {"id"}, bad), "mine");
  using Texts = std::vector<std::tuple<std::string>>;
  CHECK_THROWS_AS(cluster.copy_in("face_copy", {"id"}, Texts{{"1"}, {"x"}}), Error);
  CHECK_THROWS_AS(cluster.copy_in("face_copy", {"id"}, Texts{{std::string("\0", 1)}}), Error);
  CHECK_THROWS_AS(cluster.copy_in("face_copy", {}, Texts{{"1"}}), Error);
  CHECK(cluster.query("select count(*) from face_copy").scalar<int>() == 0);
  cluster.exec("drop table face_copy");
}

TEST_CASE("notes come to a listener") {
  using namespace std::chrono_literals;
  auto const cluster = connected();
  auto ear = cluster.listen({"Face", "other"}, {.probe = 1s});
  CHECK_FALSE(ear.next(10ms).has_value());
  cluster.exec("select pg_notify('Face', i::text) from generate_series(1, 3) i");
  std::string all;
  ear.each([&](moonpool::Note const& note) {
    CHECK(note.channel == "Face");
    all += note.payload;
    return all.size() < 3;
  });
  CHECK(all == "123");
  CHECK_THROWS_AS(cluster.listen({""}), Error);
}

}  // namespace
