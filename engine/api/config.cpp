#include "api/config.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "api/embedded.hpp"
#include "base/error.hpp"
#include "base/secret.hpp"
#include "base/suggest.hpp"
#include "base/utf8.hpp"

namespace moonpool::api {
namespace {

[[noreturn]] void refuse(std::string_view key, std::string const& value, std::string_view takes) {
  throw Error(ErrorKind::config, std::string(key) + " takes " + std::string(takes) + ", got '" +
                                     without_passwords(value) + "'");
}

std::size_t whole_number(std::string_view key, std::string const& value, std::size_t least) {
  std::size_t number = 0;
  auto const* end = value.data() + value.size();
  auto const result = std::from_chars(value.data(), end, number);
  if (result.ec != std::errc() || result.ptr != end || number < least || number > 1'000'000) {
    refuse(key, value, "a whole number from " + std::to_string(least));
  }
  return number;
}

Duration duration(std::string_view key, std::string const& value, bool zero_allowed = false) {
  Duration parsed{};
  try {
    parsed = parse_duration(value);
  } catch (Error const& error) {
    throw Error(ErrorKind::config, std::string(key) + ": " + without_passwords(error.message()));
  }
  if (parsed == Duration::zero() && !zero_allowed) refuse(key, value, "a duration above zero");
  return parsed;
}

double part(std::string_view key, std::string const& value) {
  double number = -1;
  auto const* end = value.data() + value.size();
  auto const result = std::from_chars(value.data(), end, number);
  if (result.ec != std::errc() || result.ptr != end || !(number >= 0 && number <= 1)) {
    refuse(key, value, "a number from 0 to 1");
  }
  return number;
}

bool flag(std::string_view key, std::string const& value) {
  if (value == "true") return true;
  if (value == "false") return false;
  refuse(key, value, "true or false");
}

policy::Consistency consistency(std::string_view key, std::string const& value) {
  using policy::Consistency;
  for (auto one : {Consistency::strong, Consistency::session, Consistency::eventual}) {
    if (value == policy::to_string(one)) return one;
  }
  refuse(key, value, "\"strong\", \"session\" or \"eventual\"");
}

policy::Fallback fallback(std::string_view key, std::string const& value) {
  using policy::Fallback;
  for (auto one : {Fallback::primary, Fallback::stale, Fallback::error}) {
    if (value == policy::to_string(one)) return one;
  }
  refuse(key, value, "\"primary\", \"stale\" or \"error\"");
}

session::Share share(std::string_view key, std::string const& value) {
  using session::Share;
  if (value == "off") return Share::off;
  if (value == "reads") return Share::reads;
  if (value == "all") return Share::all;
  refuse(key, value, "\"off\", \"reads\" or \"all\"");
}

observe::Level level(std::string_view key, std::string const& value) {
  if (auto const known = observe::level_of(value)) return *known;
  refuse(key, value, "trace, debug, info, warning, error or off");
}

observe::Format format(std::string_view key, std::string const& value) {
  if (value == "text") return observe::Format::text;
  if (value == "json") return observe::Format::json;
  refuse(key, value, "\"text\" or \"json\"");
}

// What goes into logs, and perhaps into a comment of a statement: one line, not endless.
std::string tag_text(std::string_view key, std::string const& value) {
  bool const fits = value.size() <= 200 && is_valid_text(value) &&
                    std::ranges::none_of(value, [](unsigned char c) { return c < 0x20; });
  if (!fits) refuse(key, value, "up to 200 bytes of text on one line");
  return value;
}

// 00-<32 hex digits>-<16>-<2>, as W3C has it; later versions may say more behind that.
std::string traceparent(std::string_view key, std::string const& value) {
  constexpr std::string_view kShape = "hh-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhhhhhhhh-hh";
  auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  bool fits = value.empty() || (value.size() >= kShape.size() && value.size() <= 200);
  for (std::size_t i = 0; fits && !value.empty() && i < value.size(); ++i) {
    char const wanted = i < kShape.size() ? kShape[i] : 'h';
    fits = wanted == '-' ? value[i] == '-'
                         : is_hex(value[i]) || (i >= kShape.size() && value[i] == '-');
  }
  if (!fits) refuse(key, value, "a W3C traceparent, 00-<32 hex digits>-<16>-<2>");
  return value;
}

std::shared_ptr<policy::Balancer> balancer(std::string_view key, std::string const& value) {
  if (value == "power_of_two") return policy::power_of_two_choices();
  if (value == "round_robin") return policy::round_robin();
  if (value == "least_busy") return policy::least_busy();
  refuse(key, value, "\"power_of_two\", \"round_robin\" or \"least_busy\"");
}

constexpr std::array<std::string_view, 7> kWishes = {
    "", "any", "read-write", "read-only", "primary", "standby", "prefer-standby"};

// libpq would apply it to each connection and refuse the servers we want to know about; here it is the
// cluster that honours it.
cluster::Audience take_audience(std::vector<cluster::NodeOptions>& nodes) {
  auto audience = cluster::Audience::any;
  for (auto& node : nodes) {
    auto const wish = node.info.get("target_session_attrs");
    if (std::ranges::find(kWishes, wish) == kWishes.end()) {
      refuse("target_session_attrs", wish,
             "any, read-write, read-only, primary, standby or prefer-standby");
    }
    if (wish == "primary" || wish == "read-write") audience = cluster::Audience::primary;
    if (wish == "standby" || wish == "read-only") audience = cluster::Audience::standby;
    node.info.set("target_session_attrs", "any");
  }
  return audience;
}

wire::Conninfo conninfo(std::string_view key, std::string const& value) {
  try {
    return wire::Conninfo::parse(value);
  } catch (Error const& error) {
    throw Error(ErrorKind::config, std::string(key) + ": " + error.message()).hint(error.hint());
  }
}

}  // namespace

// One row a key: what a user may write, and where it goes.
struct ConfigKeys {
  using Set = void (*)(Config&, std::string_view key, std::string const& value);
  struct Row {
    std::string_view key;
    Set set;
  };

  static constexpr std::array<Row, 56> kRows = {{
      {"dsn", [](Config& c, auto key, auto& v) { c.nodes_ = conninfo(key, v).each_host(); }},
      {"primary", [](Config& c, auto key, auto& v) { c.primary_ = conninfo(key, v); }},
      {"replicas", [](Config& c, auto key, auto& v) { c.replicas_.push_back(conninfo(key, v)); }},
      {"nodes", [](Config& c, auto key, auto& v) { c.nodes_.push_back(conninfo(key, v)); }},
      {"pool.max",
       [](Config& c, auto key, auto& v) { c.cluster_.pool.max = whole_number(key, v, 1); }},
      {"pool.min",
       [](Config& c, auto key, auto& v) { c.cluster_.pool.min = whole_number(key, v, 0); }},
      {"pool.max_waiters",
       [](Config& c, auto key, auto& v) { c.cluster_.pool.max_waiters = whole_number(key, v, 1); }},
      {"pool.connecting_limit",
       [](Config& c, auto key, auto& v) {
         c.cluster_.pool.connecting_limit = whole_number(key, v, 1);
       }},
      {"pool.acquire_timeout",
       [](Config& c, auto key, auto& v) { c.cluster_.pool.acquire_timeout = duration(key, v); }},
      {"pool.connect_timeout",
       [](Config& c, auto key, auto& v) { c.cluster_.pool.connect_timeout = duration(key, v); }},
      {"pool.idle_timeout",
       [](Config& c, auto key, auto& v) { c.cluster_.pool.idle_timeout = duration(key, v); }},
      {"pool.max_lifetime",
       [](Config& c, auto key, auto& v) { c.cluster_.pool.max_lifetime = duration(key, v); }},
      {"pool.recover_timeout",
       [](Config& c, auto key, auto& v) { c.cluster_.pool.recover_timeout = duration(key, v); }},
      {"pool.leak_threshold",
       [](Config& c, auto key, auto& v) { c.cluster_.pool.leak_threshold = duration(key, v); }},
      {"pool.keepalive",
       [](Config& c, auto key, auto& v) { c.cluster_.pool.keepalive = duration(key, v, true); }},
      {"pool.verify_after",
       [](Config& c, auto key, auto& v) { c.cluster_.pool.verify_after = duration(key, v, true); }},
      {"pool.share_depth",
       [](Config& c, auto key, auto& v) { c.cluster_.pool.share_depth = whole_number(key, v, 1); }},
      {"pool.share_slow",
       [](Config& c, auto key, auto& v) { c.cluster_.pool.share_slow = duration(key, v); }},
      {"share",
       [](Config& c, auto key, auto& v) { c.habit([w = share(key, v)](auto& h) { h.share = w; }); }},
      {"statement_cache",
       [](Config& c, auto key, auto& v) {
         c.cluster_.pool.statement_cache = whole_number(key, v, 0);
       }},
      {"prepare", [](Config& c, auto key, auto& v) { c.set_prepare(key, v); }},
      {"retry.attempts",
       [](Config& c, auto key, auto& v) {
         c.habit([n = static_cast<int>(whole_number(key, v, 1))](auto& h) { h.retry.attempts = n; });
       }},
      {"retry.base",
       [](Config& c, auto key, auto& v) {
         c.habit([d = duration(key, v)](auto& h) { h.retry.base = d; });
       }},
      {"retry.cap",
       [](Config& c, auto key, auto& v) {
         c.habit([d = duration(key, v)](auto& h) { h.retry.cap = d; });
       }},
      {"retry.budget",
       [](Config& c, auto key,
          auto& v) { c.cluster_.budget.tokens = static_cast<int>(whole_number(key, v, 0)); }},
      {"retry.ratio",
       [](Config& c, auto key, auto& v) { c.cluster_.budget.ratio = part(key, v); }},
      {"breaker.min_calls",
       [](Config& c, auto key,
          auto& v) { c.cluster_.breaker.min_calls = static_cast<int>(whole_number(key, v, 1)); }},
      {"breaker.failure_rate",
       [](Config& c, auto key, auto& v) { c.cluster_.breaker.failure_rate = part(key, v); }},
      {"breaker.slow_call",
       [](Config& c, auto key, auto& v) { c.cluster_.breaker.slow_call = duration(key, v, true); }},
      {"breaker.slow_rate",
       [](Config& c, auto key, auto& v) { c.cluster_.breaker.slow_rate = part(key, v); }},
      {"breaker.failures",
       [](Config& c, auto key,
          auto& v) { c.cluster_.breaker.failures = static_cast<int>(whole_number(key, v, 1)); }},
      {"breaker.window",
       [](Config& c, auto key, auto& v) { c.cluster_.breaker.window = duration(key, v); }},
      {"breaker.cooldown",
       [](Config& c, auto key, auto& v) { c.cluster_.breaker.cooldown = duration(key, v); }},
      {"breaker.probes",
       [](Config& c, auto key,
          auto& v) { c.cluster_.breaker.probes = static_cast<int>(whole_number(key, v, 1)); }},
      {"health.interval",
       [](Config& c, auto key, auto& v) { c.cluster_.health_interval = duration(key, v, true); }},
      {"health.timeout",
       [](Config& c, auto key, auto& v) { c.cluster_.health_timeout = duration(key, v); }},
      {"health.silence",
       [](Config& c, auto key, auto& v) { c.cluster_.silence = duration(key, v, true); }},
      {"failover_wait",
       [](Config& c, auto key, auto& v) { c.cluster_.failover_wait = duration(key, v, true); }},
      {"catch_up_wait",
       [](Config& c, auto key, auto& v) { c.cluster_.catch_up_wait = duration(key, v, true); }},
      {"fallback_max",
       [](Config& c, auto key, auto& v) { c.cluster_.fallback_max = whole_number(key, v, 1); }},
      {"balancer", [](Config& c, auto key, auto& v) { c.cluster_.balancer = balancer(key, v); }},
      {"consistency",
       [](Config& c, auto key, auto& v) {
         c.habit([w = consistency(key, v)](auto& h) { h.reading.consistency = w; });
       }},
      {"fallback",
       [](Config& c, auto key, auto& v) {
         c.habit([w = fallback(key, v)](auto& h) { h.reading.fallback = w; });
       }},
      {"max_lag",
       [](Config& c, auto key, auto& v) {
         c.habit([d = duration(key, v, true)](auto& h) { h.reading.max_lag = d; });
       }},
      {"max_lag_bytes",
       [](Config& c, auto key, auto& v) {
         c.habit([n = whole_number(key, v, 0)](auto& h) { h.reading.max_lag_bytes = n; });
       }},
      {"slow_query",
       [](Config& c, auto key, auto& v) {
         c.habit([d = duration(key, v, true)](auto& h) { h.slow_query = d; });
       }},
      {"correlation_id",
       [](Config& c, auto key, auto& v) {
         c.habit([text = tag_text(key, v)](auto& h) { h.tag.correlation_id = text; });
       }},
      {"traceparent",
       [](Config& c, auto key, auto& v) {
         c.habit([text = traceparent(key, v)](auto& h) { h.tag.traceparent = text; });
       }},
      {"trace.comment",
       [](Config& c, auto key, auto& v) {
         c.habit([on = flag(key, v)](auto& h) { h.trace_comment = on; });
       }},
      {"metrics", [](Config& c, auto key, auto& v) { c.metrics_ = flag(key, v); }},
      {"log.level", [](Config& c, auto key, auto& v) { c.log_.level = level(key, v); }},
      {"log.format", [](Config& c, auto key, auto& v) { c.log_.format = format(key, v); }},
      {"timeout",
       [](Config& c, auto key, auto& v) {
         c.habit([d = duration(key, v)](auto& h) { h.timeout = d; });
       }},
      {"statement_timeout",
       [](Config& c, auto key, auto& v) { c.statement_timeout_ = duration(key, v, true); }},
      {"test_rerun",
       [](Config& c, auto key, auto& v) {
         c.habit([on = flag(key, v)](auto& h) { h.test_rerun = on; });
       }},
      {"pinned",
       [](Config& c, auto key, auto& v) {
         c.habit([on = flag(key, v)](auto& h) { h.pinned = on; });
       }},
  }};

  static std::array<std::string_view, kRows.size()> names() {
    std::array<std::string_view, kRows.size()> out;
    for (std::size_t i = 0; i < kRows.size(); ++i) out[i] = kRows[i].key;
    return out;
  }
};

void Config::set(std::string_view key, std::string const& value) {
  // "as.role", "as.app.user_id": what is laid on every statement.
  if (key.starts_with("as.")) {
    session::Context checked;
    checked.set(key.substr(3), value);
    habit([name = std::string(key.substr(3)), value](auto& h) { h.context.set(name, value); });
    return;
  }
  // "tags.route": what is said in a comment of every statement.
  if (key.starts_with("tags.")) {
    auto const name = std::string(key.substr(5));
    if (name.empty()) throw Error(ErrorKind::config, "a tag has a name: tags.route");
    habit([name, text = tag_text(key, value)](auto& h) {
      std::erase_if(h.marks, [&](auto const& mark) { return mark.first == name; });
      h.marks.emplace_back(name, text);
    });
    return;
  }
  for (auto const& row : ConfigKeys::kRows) {
    if (row.key == key) return row.set(*this, key, value);
  }
  auto const names = ConfigKeys::names();
  std::string all;
  for (auto name : names) all.append(all.empty() ? "" : ", ").append(name);
  throw Error(ErrorKind::config, "unknown configuration key '" + without_passwords(key) + "'" +
                                     did_you_mean(key, names))
      .hint("known keys: " + all);
}

// How users say it: "auto" prepares what comes again, "off" is for poolers that share connections
// between transactions.
void Config::set_prepare(std::string_view key, std::string const& value) {
  if (value != "auto" && value != "off") refuse(key, value, "\"auto\" or \"off\"");
  if (value == "off") {
    cluster_.pool.statement_cache = 0;
    cluster_.shared_sessions = true;
  }
}

session::Habits Config::habits() const {
  session::Habits habits;
  auto const* rerun = std::getenv("MOONPOOL_TEST_RERUN");
  habits.test_rerun = rerun != nullptr && *rerun != '\0' && std::string_view(rerun) != "0";
  return habits_over(habits);
}

session::Habits Config::habits_over(session::Habits habits) const {
  for (auto const& change : habit_changes_) change(habits);
  return habits;
}

bool Config::names_servers() const { return primary_ || !replicas_.empty() || !nodes_.empty(); }

std::vector<cluster::NodeOptions> Config::named_nodes() const {
  std::vector<cluster::NodeOptions> out;
  if (primary_) out.push_back({*primary_, cluster::Role::primary, "primary"});
  for (auto const& replica : replicas_) {
    out.push_back({replica, cluster::Role::replica, "replica-" + std::to_string(out.size())});
  }
  for (auto const& node : nodes_) out.push_back({node, cluster::Role::unknown, ""});
  return out;
}

cluster::ClusterOptions Config::cluster_options() const {
  auto options = cluster_;
  options.hub = std::make_shared<observe::Hub>(log_);
  if (metrics_) options.hub->metrics();
  if (options.pool.min > options.pool.max) {
    throw Error(ErrorKind::config, "pool.min is " + std::to_string(options.pool.min) +
                                       ", more than pool.max, which is " +
                                       std::to_string(options.pool.max));
  }
  if (!primary_ && !replicas_.empty() && nodes_.empty()) {
    throw Error(ErrorKind::config, "replicas were given and no primary")
        .hint("name the primary too, or list all servers under nodes and let their roles be found");
  }
  options.nodes = names_servers() ? named_nodes() : nodes_of_environment();
  options.audience = take_audience(options.nodes);
  if (statement_timeout_) {
    auto const ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(*statement_timeout_).count();
    for (auto& node : options.nodes) {
      auto given = node.info.get("options");
      node.info.set("options", given + (given.empty() ? "" : " ") +
                                   "-c statement_timeout=" + std::to_string(ms));
    }
  }
  return options;
}

}  // namespace moonpool::api
