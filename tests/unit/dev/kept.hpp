// A kept cluster for a test, in a folder of its own, that goes with the test all the same.
#pragma once

#include <unistd.h>

#include <utility>

#include "dev/cluster.hpp"
#include "unit/dev/scratch.hpp"

namespace moonpool::test {

class KeptFolder {
 public:
  KeptFolder() {
    // The servers' account must be able to walk there.
    ::chmod(scratch_.path().c_str(), 0755);
  }
  ~KeptFolder() {
    try {
      if (auto cluster = dev::Cluster::attach(options())) cluster->remove();
    } catch (std::exception const&) {
      // The test that left it so has failed already, and says more.
    }
  }

  dev::ClusterOptions options(int replicas = 1) const {
    dev::ClusterOptions options;
    options.lifetime = dev::Lifetime::kept;
    options.name = "test";
    options.folder = folder();
    options.replicas = replicas;
    return options;
  }
  std::filesystem::path folder() const { return scratch_.path() / "cluster"; }

 private:
  Scratch scratch_;
};

}  // namespace moonpool::test
