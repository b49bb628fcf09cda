#include "cluster/node.hpp"

namespace moonpool::cluster {
namespace {

wire::Conninfo read_only(wire::Conninfo info) {
  auto options = info.get("options");
  if (!options.empty()) options += ' ';
  info.set("options", options + "-c default_transaction_read_only=on");
  return info;
}

pool::PoolOptions without_minimum(pool::PoolOptions options) {
  options.min = 0;
  return options;
}

}  // namespace

std::string_view to_string(Role role) {
  switch (role) {
    case Role::primary:
      return "primary";
    case Role::replica:
      return "replica";
    case Role::unknown:
      break;
  }
  return "unknown";
}

// A replica's write pool is there for the day it is promoted, and holds nothing open until then.
Node::Node(NodeOptions options, pool::PoolOptions const& pool, async::Loop& keeper)
    : name_(options.name.empty() ? options.info.address() : options.name),
      role_(options.role),
      writes_(pool::Pool::make(name_, options.info,
                               options.role == Role::replica ? without_minimum(pool) : pool, keeper)),
      reads_(pool::Pool::make(name_, read_only(options.info),
                              options.role == Role::primary ? without_minimum(pool) : pool, keeper)) {}

void Node::start() {
  writes_->start();
  reads_->start();
}

void Node::close() {
  writes_->close();
  reads_->close();
}

bool Node::is_empty() const { return writes_->is_empty() && reads_->is_empty(); }

}  // namespace moonpool::cluster
