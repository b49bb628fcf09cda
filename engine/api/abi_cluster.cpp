#include "api/handles.hpp"
#include "api/stats.hpp"

using moonpool::api::guarded;

uint32_t mp_abi_version(void) noexcept { return MP_ABI_VERSION; }
const char* mp_version(void) noexcept { return MOONPOOL_VERSION; }

mp_config* mp_config_new(void) noexcept { return new (std::nothrow) mp_config; }

int mp_config_set(mp_config* config, const char* key, const char* value, size_t length,
                  mp_error** error) noexcept {
  return guarded(error, 0, [&] {
    config->config.set(key, std::string(value, length));
    return 1;
  });
}

void mp_config_free(mp_config* config) noexcept { delete config; }

mp_cluster* mp_connect(const mp_config* config, mp_error** error) noexcept {
  return guarded(error, static_cast<mp_cluster*>(nullptr), [&] {
    auto wishes = config->config.cluster_options();
    moonpool::api::show_notices(*wishes.hub);
    auto cluster = std::make_shared<moonpool::cluster::Cluster>(std::move(wishes));
    return new mp_cluster{std::move(cluster), config->config.habits()};
  });
}

mp_cluster* mp_cluster_share(const mp_cluster* cluster) noexcept {
  return guarded(nullptr, static_cast<mp_cluster*>(nullptr),
                 [&] { return new mp_cluster(*cluster); });
}

mp_text* mp_cluster_stats(const mp_cluster* cluster) noexcept {
  return guarded(nullptr, static_cast<mp_text*>(nullptr),
                 [&] { return new mp_text{moonpool::api::stats_json(*cluster->cluster)}; });
}

mp_op* mp_cluster_look(const mp_cluster* cluster, double timeout) noexcept {
  return moonpool::api::start_look(cluster->cluster, timeout);
}

int mp_cluster_breaker(const mp_cluster* cluster, const char* node, int how,
                       mp_error** error) noexcept {
  using Forced = moonpool::policy::Breaker::Forced;
  return guarded(error, 0, [&] {
    if (how < MP_BREAKER_AUTOMATIC || how > MP_BREAKER_CLOSED) {
      throw moonpool::Error(moonpool::ErrorKind::usage,
                            "there is no state of a breaker " + std::to_string(how));
    }
    for (auto const& one : cluster->cluster->nodes()) {
      if (one->name() != node) continue;
      one->force_breakers(static_cast<Forced>(how));
      return 1;
    }
    throw moonpool::Error(moonpool::ErrorKind::usage,
                          "this cluster has no node called '" + std::string(node) + "'");
  });
}

void mp_cluster_free(mp_cluster* cluster) noexcept { delete cluster; }

mp_session* mp_session_new(mp_cluster* cluster, const mp_config* habits,
                           mp_error** error) noexcept {
  return guarded(error, static_cast<mp_session*>(nullptr), [&] {
    auto const chosen =
        habits != nullptr ? habits->config.habits_over(cluster->habits) : cluster->habits;
    return new mp_session{moonpool::session::Session::make(cluster->cluster, chosen)};
  });
}

mp_session* mp_session_with(mp_session* session, const mp_config* habits,
                            mp_error** error) noexcept {
  return guarded(error, static_cast<mp_session*>(nullptr), [&] {
    auto const& own = session->session->habits();
    auto const chosen = habits != nullptr ? habits->config.habits_over(own) : own;
    return new mp_session{session->session->with(chosen)};
  });
}

int mp_session_in_transaction(const mp_session* session) noexcept {
  return session->session->in_transaction() ? 1 : 0;
}

int mp_session_may_repeat(const mp_session* session, const char* sqlstate) noexcept {
  return guarded(nullptr, 0, [&] {
    moonpool::ServerFields fields;
    if (sqlstate != nullptr) fields.sqlstate = sqlstate;
    moonpool::Error const failure(std::move(fields));
    if (moonpool::policy::repeats_for_free(failure, false)) return 1;
    return session->session->cluster()->pay_for_repeating(failure) != 0 ? 1 : 0;
  });
}

mp_text* mp_session_token(const mp_session* session) noexcept {
  return guarded(nullptr, static_cast<mp_text*>(nullptr),
                 [&] { return new mp_text{session->session->position_token()}; });
}

int mp_session_observe(mp_session* session, const char* token, size_t length,
                       mp_error** error) noexcept {
  return guarded(error, 0, [&] {
    if (!session->session->observe_token({token, length})) {
      throw moonpool::Error(moonpool::ErrorKind::usage,
                            "this is no token of a session: '" + std::string(token, length) + "'");
    }
    return 1;
  });
}

void mp_session_free(mp_session* session) noexcept { delete session; }

const char* mp_text_data(const mp_text* text, size_t* length) noexcept {
  if (length != nullptr) *length = text->text.size();
  return text->text.c_str();
}

void mp_text_free(mp_text* text) noexcept { delete text; }
