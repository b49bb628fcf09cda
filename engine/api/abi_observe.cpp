#include <cstddef>
#include <mutex>
#include <vector>

#include "api/handles.hpp"
#include "api/stats.hpp"
#include "observe/record.hpp"

namespace observe = moonpool::observe;
using moonpool::api::guarded;

namespace {

constexpr std::size_t kCapacity = 4096;

// A record as C sees it: leans on the record.
class Shown {
 public:
  explicit Shown(observe::Record record) : record_(std::move(record)) {
    for (auto const& [key, value] : record_.fields) {
      fields_.push_back({key.c_str(), value.c_str()});
    }
    event_.size = sizeof event_;
    event_.kind =
        record_.is_line ? MP_EVENT_LOG : static_cast<std::int32_t>(observe::kinds_of(record_.kind));
    event_.stage = static_cast<std::int32_t>(record_.stage);
    event_.level = record_.is_line ? static_cast<std::int32_t>(record_.level) : 0;
    event_.attempt = record_.attempt;
    event_.number = record_.number;
    event_.at = std::chrono::duration<double>(record_.at.time_since_epoch()).count();
    event_.took = nanoseconds(record_.took);
    event_.pause = nanoseconds(record_.pause);
    event_.rows = record_.rows;
    event_.statements = record_.statements;
    event_.timeline = record_.timeline;
    event_.writes = record_.writes ? 1 : 0;
    event_.name = record_.name.c_str();
    event_.node = record_.node.c_str();
    event_.purpose = record_.purpose.c_str();
    event_.operation = record_.operation.c_str();
    event_.statement = record_.statement.c_str();
    event_.fingerprint = record_.fingerprint.c_str();
    event_.outcome = record_.outcome.c_str();
    event_.error = record_.error.c_str();
    event_.sqlstate = record_.sqlstate.c_str();
    event_.who = record_.who.c_str();
    event_.from = record_.from.c_str();
    event_.to = record_.to.c_str();
    event_.correlation_id = record_.correlation_id.c_str();
    event_.traceparent = record_.traceparent.c_str();
    event_.message = record_.message.c_str();
    event_.fields = fields_.data();
    event_.field_count = fields_.size();
  }
  Shown(Shown const&) = delete;
  Shown& operator=(Shown const&) = delete;

  mp_event const* event() const { return &event_; }

 private:
  static std::uint64_t nanoseconds(moonpool::Duration duration) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count());
  }

  observe::Record const record_;
  std::vector<mp_field> fields_;
  mp_event event_{};
};

// Hands everything to a function of the host's.
class Caller final : public observe::Observer {
 public:
  Caller(mp_event_function call, void* data, bool begins)
      : call_(call), data_(data), begins_(begins) {}
  void see(observe::Activity const& activity) noexcept override {
    if (activity.stage != observe::Stage::begin || begins_) tell(activity);
  }
  void read(observe::Event const& line) noexcept override { tell(line); }

 private:
  template <class Told>
  void tell(Told const& told) noexcept {
    try {
      Shown const shown{observe::Record(told)};
      call_(shown.event(), data_);
    } catch (...) {
      // Out of memory, or a host's function that threw: the event is lost, the engine goes on.
    }
  }

  mp_event_function const call_;
  void* const data_;
  bool const begins_;
};

}  // namespace

struct mp_observer {
  std::shared_ptr<observe::Hub> hub;
  std::shared_ptr<observe::Observer> observer;
  std::shared_ptr<observe::Queue> queue;  // nullptr where a function is called
  std::optional<Shown> shown = std::nullopt;
};

namespace {

// Who is told of the notices of clusters that nobody else hears.
std::mutex everybodys_mutex;
std::shared_ptr<observe::Observer> everybodys;  // guarded by it

std::unique_ptr<mp_observer> observer_of(std::shared_ptr<observe::Hub> hub,
                                         mp_observe_options const& options) {
  auto const kinds = options.kinds & observe::kAllKinds;
  bool const lines = (options.kinds & MP_EVENT_LOG) != 0;
  bool const begins = (options.kinds & MP_EVENT_BEGINS) != 0;
  if (kinds == 0 && !lines) {
    throw moonpool::Error(moonpool::ErrorKind::usage, "an observer of nothing was asked for");
  }
  if (lines && (options.level < MP_LEVEL_TRACE || options.level > MP_LEVEL_ERROR)) {
    throw moonpool::Error(moonpool::ErrorKind::usage,
                          "there is no level " + std::to_string(options.level));
  }
  auto made = std::make_unique<mp_observer>();
  made->hub = std::move(hub);
  if (options.call != nullptr) {
    made->observer = std::make_shared<Caller>(options.call, options.data, begins);
  } else {
    auto const capacity = options.capacity != 0 ? options.capacity : kCapacity;
    made->queue = std::make_shared<observe::Queue>(capacity, begins);
    made->observer = made->queue;
  }
  if ((kinds & observe::kinds_of(observe::Kind::notice)) != 0) {
    std::lock_guard const lock(everybodys_mutex);
    made->hub->remove(everybodys.get());
  }
  made->hub->add(made->observer, kinds,
                 lines ? static_cast<observe::Level>(options.level) : observe::Level::off);
  return made;
}

}  // namespace

void moonpool::api::show_notices(observe::Hub& hub) {
  std::lock_guard const lock(everybodys_mutex);
  if (everybodys) {
    hub.add(everybodys, observe::kinds_of(observe::Kind::notice), observe::Level::off);
  }
}

void mp_notices_to(mp_event_function call, void* data) noexcept {
  guarded(nullptr, 0, [&] {
    std::lock_guard const lock(everybodys_mutex);
    everybodys = call == nullptr ? nullptr : std::make_shared<Caller>(call, data, false);
    return 0;
  });
}

mp_observer* mp_observe(const mp_cluster* cluster, const mp_observe_options* options,
                        mp_error** error) noexcept {
  return guarded(error, static_cast<mp_observer*>(nullptr),
                 [&] { return observer_of(cluster->cluster->hub(), *options).release(); });
}

mp_cluster* mp_connect_observed(const mp_config* config, const mp_observe_options* options,
                                mp_observer** observer, mp_error** error) noexcept {
  *observer = nullptr;
  return guarded(error, static_cast<mp_cluster*>(nullptr), [&] {
    auto wishes = config->config.cluster_options();
    moonpool::api::show_notices(*wishes.hub);
    auto watching = observer_of(wishes.hub, *options);
    auto cluster = std::make_shared<moonpool::cluster::Cluster>(std::move(wishes));
    auto* const made = new mp_cluster{std::move(cluster), config->config.habits()};
    *observer = watching.release();
    return made;
  });
}

mp_text* mp_cluster_metrics(const mp_cluster* cluster) noexcept {
  return guarded(nullptr, static_cast<mp_text*>(nullptr),
                 [&] { return new mp_text{moonpool::api::metrics_text(*cluster->cluster)}; });
}

const mp_event* mp_observer_next(mp_observer* observer) noexcept {
  return guarded(nullptr, static_cast<mp_event const*>(nullptr), [&]() -> mp_event const* {
    observer->shown.reset();
    auto record = observer->queue ? observer->queue->next() : std::nullopt;
    if (!record) return nullptr;
    observer->shown.emplace(std::move(*record));
    return observer->shown->event();
  });
}

size_t mp_observer_waiting(const mp_observer* observer) noexcept {
  return observer->queue ? observer->queue->waiting() : 0;
}

uint64_t mp_observer_lost(const mp_observer* observer) noexcept {
  return observer->queue ? observer->queue->lost() : 0;
}

void mp_observer_free(mp_observer* observer) noexcept {
  if (observer == nullptr) return;
  observer->hub->remove(observer->observer.get());
  delete observer;
}
