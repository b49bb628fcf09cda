// What the pages take for granted: a cluster, a session, and functions of the reader's.
#pragma once

#include <cassert>
#include <chrono>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "moonpool/moonpool.hpp"

extern std::string const dsn, replica_dsn;
extern moonpool::Cluster const& cluster;
extern moonpool::Session& session;
extern std::ofstream file;

template <class... Values>
void use(Values&&...) {}

void skip(std::string const& why);
void place_order(moonpool::Cluster const& cluster);
void watch(int fd, bool reads, bool writes, std::optional<std::chrono::milliseconds> timeout);
