#pragma once

#include <optional>
#include <vector>

#include "cluster/cluster.hpp"
#include "policy/retry.hpp"

namespace moonpool::session {

// The attempts of one call: what each came to, whether there is another one, and what they came to
// together. The one layer that repeats statements.
class Attempts {
 public:
  // Begins the call. REQUIRES: the cluster outlives it.
  Attempts(cluster::Cluster& cluster, policy::RetryOptions options, policy::Work work)
      : cluster_(cluster), options_(options), work_(work) {}

  // An attempt was cut short by this. Gives the pause before the next one; nullopt: there is none. `repeatable`:
  // nothing that only the caller knows speaks against it. `excused`: see policy::repeats_for_free.
  std::optional<Duration> after(Error& failure, bool repeatable, bool excused, Deadline deadline);
  // The call went well in the end.
  void succeed();
  // The caller went away between two attempts: the last failure, as that.
  Error cancelled() const;
  // The last failure, as what all of them came to: retry_exhausted where another attempt was due and could
  // not be made. All attempts are its causes.
  Error verdict() const;

 private:
  cluster::Cluster& cluster_;
  policy::RetryOptions const options_;
  policy::Work const work_;
  std::vector<Error> failures_;
  int tries_ = 0;
  int paid_ = 0;  // to the cluster's budget
  bool due_ = false;
  bool budget_spent_ = false;
};

}  // namespace moonpool::session
