// A program that keeps a stock of goods: C++ writes, a Lua script decides what to order.
//
//   stock SCRIPT      on the servers that MOONPOOL_PRIMARY and MOONPOOL_REPLICA (or DATABASE_URL) name
#include <exception>
#include <iostream>
#include <moonpool/moonpool.hpp>
#include <moonpool/script_host.hpp>
#include <string_view>

namespace {

void fill(moonpool::Cluster const& cluster) {
  // Service code takes a Session& and need not know that it runs in a transaction.
  cluster.transaction([](moonpool::Transaction& tx) {
    tx.exec("create table if not exists stock (name text primary key, pieces int not null)");
    tx.exec("insert into stock values ($1, $2), ($3, $4) on conflict (name) do nothing", "anchor",
            3, "buoy", 40);
    tx.exec("update stock set pieces = pieces - 1 where name = $1", "buoy");
  });
}

void report(moonpool::Cluster const& cluster) {
  auto const rows =
      cluster.query("select name, pieces from stock where pieces >= $1 order by name", 0);
  for (auto const& row : rows) {
    std::cout << row["name"].as<std::string_view>() << ": " << row["pieces"].as<long>() << '\n';
  }
}

void order(moonpool::Cluster const& cluster, char const* script) {
  moonpool::ScriptHost lua{cluster};  // `db` in the script is this cluster
  lua.set("enough", 10);
  auto const orders = lua.run_file(script);
  for (auto const& line : orders) {
    std::cout << "order " << line["pieces"].as<long>() << " of " << line["name"].as<std::string>()
              << '\n';
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: stock SCRIPT\n";
    return 2;
  }
  try {
    auto const cluster = moonpool::Cluster::connect();
    fill(cluster);
    report(cluster);
    order(cluster, argv[1]);
    cluster.close();
    return 0;
  } catch (moonpool::Error const& error) {
    std::cerr << error.what() << '\n';  // one line, with a caret under the place in the SQL
  } catch (std::exception const& error) {
    std::cerr << error.what() << '\n';
  }
  return 1;
}
