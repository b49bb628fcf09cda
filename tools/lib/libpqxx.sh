# shellcheck shell=bash
# libpqxx 7.8 or newer (below 9): the system's where that will do, else 7.10 from Debian's own newer source package,
# built once into a cached prefix. Needs talk.sh and packages.sh.

pqxx_prefix=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/moonpool/libpqxx-7.10.0
pqxx_suite=trixie
debian_mirror=http://deb.debian.org/debian

ensure_pqxx() {
  has_system_pqxx && return 0
  [[ -e $pqxx_prefix/lib/cmake/libpqxx/libpqxx-config.cmake ]] && return 0
  if have apt-cache && pqxx_will_do "$(packaged_pqxx)"; then
    ensure_pqxx_package
    return
  fi
  have apt-get ||
    die "libpqxx 7.8 or newer (below 9) was not found by pkg-config." \
      "Install it from your system's packages or from source, and run this again."
  mkdir -p "${pqxx_prefix%/*}"
  # Two runs side by side: the second waits, and finds the work done.
  (
    if have flock; then
      flock 9
      rm -rf "${pqxx_prefix%/*}"/.libpqxx.??????  # what a killed run left
    fi
    [[ -e $pqxx_prefix/lib/cmake/libpqxx/libpqxx-config.cmake ]] || build_pqxx
  ) 9>"${pqxx_prefix%/*}/.libpqxx.lock"
}

has_system_pqxx() {
  have pkg-config && pkg-config --atleast-version=7.8 libpqxx 2>/dev/null &&
    ! pkg-config --atleast-version=9 libpqxx 2>/dev/null
}

packaged_pqxx() { apt-cache policy libpqxx-dev 2>/dev/null | sed -n 's/^ *Candidate: *//p'; }

pqxx_will_do() {
  [[ -n $1 && $1 != '(none)' ]] && dpkg --compare-versions "$1" ge 7.8 && dpkg --compare-versions "$1" lt 9
}

ensure_pqxx_package() {
  can_be_root ||
    die "libpqxx-dev is missing, and installing it needs root or sudo; this is neither." \
      "Have it installed: apt-get install libpqxx-dev" "Then run this again."
  install_packages libpqxx-dev
}

# Everything happens in a folder beside the prefix, and one rename makes it count: an interrupted run leaves nothing.
build_pqxx() {
  local work
  work=$(mktemp -d "${pqxx_prefix%/*}/.libpqxx.XXXXXX")
  # shellcheck disable=SC2064  # the folder of this run, not of a later one
  trap "rm -rf '$work'" EXIT
  say "Building libpqxx 7.10 once, into $pqxx_prefix (this system's own is too old)"
  fetch_pqxx "$work"
  mkdir "$work/source"
  tar -xf "$work"/fetched/libpqxx_*.orig.tar.* -C "$work/source" --strip-components=1
  {
    cmake -S "$work/source" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_STANDARD=20 \
      -DCMAKE_INSTALL_PREFIX="$pqxx_prefix" -DCMAKE_INSTALL_LIBDIR=lib -DBUILD_SHARED_LIBS=OFF \
      -DSKIP_BUILD_TEST=ON -DBUILD_DOC=OFF -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
      -DCMAKE_CXX_VISIBILITY_PRESET=hidden &&
      cmake --build "$work/build" &&
      DESTDIR=$work/stage cmake --install "$work/build"
  } </dev/null >"$work/log" 2>&1 || {
    tail -n 40 "$work/log" >&2
    die "libpqxx did not build; the end of what was said is above." "Is the compiler new enough (GCC 12, clang 14)?"
  }
  rm -rf "$pqxx_prefix"
  mv "$work/stage$pqxx_prefix" "$pqxx_prefix"
}

# Fetches the upstream tarball by a private apt: its own sources, lists and cache, so that the system's are not
# touched and nobody need be root. The archive's key signs the way from the release file down to the tarball.
fetch_pqxx() {
  local work=$1 keyring=/usr/share/keyrings/debian-archive-keyring.gpg mirror
  [[ -e $keyring ]] ||
    die "The key of Debian's archive is not here ($keyring)." \
      "Install the package debian-archive-keyring, or libpqxx 7.8 or newer by other means, and run this again."
  for mirror in $(mirrors_to_try); do
    note "from $mirror $pqxx_suite"
    fetch_pqxx_from "$mirror" "$keyring" "$work" && return 0
  done
  tail -n 20 "$work/apt.log" >&2
  die "The source of libpqxx could not be fetched; what apt said is above." \
    "Check the network (and apt's proxy, if there is one) and run this again." \
    "Without a network: install libpqxx 7.8 or newer where pkg-config finds it."
}

fetch_pqxx_from() {
  local mirror=$1 keyring=$2 work=$3 folder=$3/apt
  rm -rf "$folder" "$work/fetched"
  mkdir -p "$folder"/{lists,cache}/partial "$folder"/cache/archives/partial "$work/fetched"
  echo "deb-src [signed-by=$keyring] $mirror $pqxx_suite main" >"$folder/sources.list"
  local apt=(apt-get -q -o Dir::Etc::SourceList="$folder/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o Dir::State::Lists="$folder/lists" -o Dir::Cache="$folder/cache" -o Acquire::Retries=3
    -o Acquire::Languages=none -o APT::Sandbox::User="$(id -un)")
  (
    cd "$work/fetched" &&
      "${apt[@]}" update && "${apt[@]}" source --download-only --tar-only libpqxx && ls libpqxx_7.*.orig.tar.*
  ) </dev/null >"$work/apt.log" 2>&1
}

# The mirror that the system itself uses, then Debian's own.
mirrors_to_try() {
  {
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 2>/dev/null |
      sed 's,/$,,' || true
    echo "$debian_mirror"
  } | awk '!seen[$0]++'
}
