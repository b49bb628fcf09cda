#pragma once

#include <filesystem>

#include "base/time.hpp"
#include "dev/descriptor.hpp"

namespace moonpool::dev {

// Opens (makes) a lock file and takes it for this process alone, waiting for others until the
// deadline. Held while the descriptor, or a copy of it in another process, is open: the kernel
// gives it back whatever happens to the holder. Throws Error(timeout) or Error(environment).
Descriptor lock_file(std::filesystem::path const& file, Deadline deadline);

// Makes a new folder's lock: a file FOLDER.lock of a name nobody has. An empty descriptor when
// somebody interfered; try another name then.
Descriptor lock_new(std::filesystem::path const& file);

// Ends every server process in `folder`, hard, and removes it with all it holds.
void clear_away(std::filesystem::path const& folder);

// Clears away the process-tied clusters in `parent` whose process and guardian are both gone:
// nobody holds their lock. That takes a power failure, or a SIGKILL to both.
void sweep(std::filesystem::path const& parent);

}  // namespace moonpool::dev
