// The proxy as a program, for clients that are no C++ test: listens in a folder of its own, prints its
// connection string, then obeys lines on its standard input until that ends.
//
//   chaos_proxy /path/.s.PGSQL.5432
//   cut_before frontend Q COMMIT      cut_after, swallow, duplicate, hold, blackhole, pass likewise:
//                                     prints the rule's number
//   delay backend Z 250               milliseconds
//   release NUMBER | clear | cut_all | round_trips | reset | patience MS | slice on|off
//   door open|refuse|hang|slam | log
#include <iostream>
#include <map>
#include <sstream>

#include "proxy/proxy.hpp"

namespace {

using moonpool::test::Act;
using moonpool::test::Proxy;
using moonpool::test::Rule;
using moonpool::test::Side;

std::string obey(Proxy& proxy, std::string const& line) {
  static std::map<std::string, Act> const acts = {
      {"pass", Act::pass},           {"delay", Act::delay},
      {"hold", Act::hold},           {"cut_before", Act::cut_before},
      {"cut_after", Act::cut_after}, {"swallow", Act::swallow},
      {"duplicate", Act::duplicate}, {"blackhole", Act::blackhole}};
  static std::map<std::string, Proxy::Door> const doors = {{"open", Proxy::Door::open},
                                                           {"refuse", Proxy::Door::refuse},
                                                           {"hang", Proxy::Door::hang},
                                                           {"slam", Proxy::Door::slam}};
  std::istringstream words(line);
  std::string verb;
  std::string first;
  words >> verb >> first;
  auto milliseconds = [](std::string const& text) {
    return std::chrono::milliseconds(std::stol(text));
  };
  if (auto const act = acts.find(verb); act != acts.end()) {
    Rule rule;
    rule.side = first == "backend" ? Side::backend : Side::frontend;
    std::string type;
    std::string rest;
    words >> type >> std::ws;
    std::getline(words, rest);
    rule.type = type.empty() || type == "any" ? '\0' : type.front();
    rule.act = act->second;
    if (rule.act == Act::delay) {
      rule.duration = milliseconds(rest);
    } else {
      rule.text = rest;
    }
    return std::to_string(proxy.add(rule));
  }
  if (verb == "release") {
    proxy.release(std::stoi(first));
  } else if (verb == "clear") {
    proxy.clear();
  } else if (verb == "cut_all") {
    proxy.cut_all();
  } else if (verb == "round_trips") {
    return std::to_string(proxy.round_trips());
  } else if (verb == "reset") {
    proxy.reset_round_trips();
  } else if (verb == "patience") {
    proxy.patience(milliseconds(first));
  } else if (verb == "slice") {
    proxy.slice(first == "on");
  } else if (verb == "door" && doors.count(first) != 0) {
    proxy.door(doors.at(first));
  } else if (verb == "log") {
    return to_string(proxy.log()) + ".";
  } else {
    return "error: " + line;
  }
  return "ok";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: chaos_proxy SOCKET\n";
    return 2;
  }
  try {
    Proxy proxy(argv[1]);
    std::cout << proxy.conninfo() << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
      std::string answer;
      try {
        answer = obey(proxy, line);
      } catch (std::exception const& problem) {
        answer = std::string("error: ") + problem.what();
      }
      std::cout << answer << std::endl;
    }
  } catch (std::exception const& problem) {
    std::cerr << problem.what() << '\n';
    return 1;
  }
  return 0;
}
