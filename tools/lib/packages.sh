# shellcheck shell=bash
# What is needed from the system, in groups, and how it is asked for. Needs talk.sh.

# packages_of GROUP: Debian's names, one a line.
packages_of() {
  case $1 in
    build)
      printf '%s\n' make g++ cmake ninja-build pkg-config ccache ca-certificates xz-utils \
        libpq-dev libluajit-5.1-dev luajit libspdlog-dev prometheus-cpp-dev libcli11-dev nlohmann-json3-dev \
        libreadline-dev libssl-dev libutf8proc-dev libpg-query-dev
      ;;
    server) has_server || printf '%s\n' postgresql ;;
    test) printf '%s\n' catch2 librapidcheck-dev lua-busted ;;
    lint) printf '%s\n' clang-format "clang-tidy$(clang_of_debian)" lua-check shellcheck ;;
    coverage) printf '%s\n' gcovr ;;
    bench)
      printf '%s\n' lua-sql-postgres lua-dbi-postgresql python3-sqlalchemy python3-psycopg2
      have npm || printf '%s\n' nodejs npm
      ;;
    heavy) printf '%s\n' debootstrap util-linux git pgbouncer patroni etcd-server python3-etcd "clang$(clang_of_debian)" ;;
  esac
}

# shellcheck disable=SC2034  # read by tools/setup
all_groups="build server test lint coverage bench heavy"

# Debian 12's plain clang is 14, which knows no std::source_location; it has 16 beside it.
clang_of_debian() {
  if [[ -r /etc/debian_version && $(</etc/debian_version) == 12* ]]; then
    echo -16
  fi
}

# A server counts wherever it came from: Debian, PostgreSQL's own packages, or a build in the PATH.
has_server() {
  local initdb
  for initdb in /usr/lib/postgresql/*/bin/initdb "$(command -v initdb || true)"; do
    [[ -n $initdb && -x $initdb && -x ${initdb%initdb}postgres ]] && return 0
  done
  return 1
}

# lacking PACKAGE...: those that dpkg does not know as installed, one a line.
lacking() {
  local installed package
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
    sed -n 's/^installed //p' || true)
  for package in "$@"; do
    grep -qxF -- "$package" <<<"$installed" || printf '%s\n' "$package"
  done
}

# Whether the tools and headers of a group are there, whoever installed them.
probe() {
  case $1 in
    build)
      local tool header module
      for tool in cmake ninja pkg-config luajit make; do
        have "$tool" || note "not found: $tool"
      done
      for module in 'libpq >= 15' 'luajit >= 2.1' spdlog prometheus-cpp-core libcrypto libutf8proc; do
        pkg-config --exists "$module" 2>/dev/null || note "not found by pkg-config: $module"
      done
      have "${CXX:-c++}" || note "not found: a C++20 compiler (${CXX:-c++})"
      for header in CLI/CLI.hpp nlohmann/json.hpp pg_query.h readline/readline.h; do
        echo "#include <$header>" | "${CXX:-c++}" -x c++ -std=c++20 -fsyntax-only -include cstdio - 2>/dev/null ||
          note "not found by the compiler: $header"
      done
      ;;
    server) has_server || note "not found: initdb and postgres (put their folder into PATH)" ;;
    test)
      have busted || note "not found: busted"
      echo '#include <rapidcheck.h>' | "${CXX:-c++}" -x c++ -std=c++20 -fsyntax-only - 2>/dev/null ||
        note "not found by the compiler: rapidcheck.h"
      ;;
    lint)
      local tool
      for tool in clang-format luacheck shellcheck; do
        have "$tool" || note "not found: $tool"
      done
      [[ -n $(newest clang-tidy) ]] || note "not found: clang-tidy, 15 or newer"
      ;;
    coverage) have gcovr || note "not found: gcovr" ;;
    bench) ;; # a peer that is not there is named by bench/rows, and left out
    heavy)
      have debootstrap || note "not found: debootstrap"
      have unshare || note "not found: unshare"
      [[ -x /usr/sbin/pgbouncer ]] || note "not found: pgbouncer"
      have patroni || note "not found: patroni"
      have etcd || note "not found: etcd"
      [[ -n $(newest clang++) ]] || note "not found: clang++, 15 or newer"
      ;;
  esac
}

# all_there GROUP...: whether all of it can be found, whoever installed it; says what cannot.
all_there() {
  local group misses
  misses=$(for group in "$@"; do probe "$group"; done 2>&1)
  [[ -z $misses ]] || {
    printf '%s\n' "$misses" >&2
    return 1
  }
}

# as_root COMMAND...: as we are, or through sudo.
as_root() {
  if [[ $(id -u) -eq 0 ]]; then
    "$@"
  else
    sudo -- "$@"
  fi
}

can_be_root() {
  [[ $(id -u) -eq 0 ]] && return 0
  have sudo || return 1
  # Without a terminal nobody can type a password.
  [[ -t 2 ]] || sudo -n true 2>/dev/null
}

# ensure_packages GROUP...: asks apt for what is missing, and for nothing when nothing is.
ensure_packages() {
  local group wanted=() missing=()
  for group in "$@"; do
    mapfile -t -O "${#wanted[@]}" wanted < <(packages_of "$group")
  done
  [[ ${#wanted[@]} -gt 0 ]] || return 0
  if ! have dpkg-query || ! have apt-get; then
    all_there "$@" ||
      die "This system has no apt to ask, and not all that is needed was found." \
        "Needed, by Debian's names:" "  ${wanted[*]}" "Install them and run this again."
    return 0
  fi
  mapfile -t missing < <(lacking "${wanted[@]}")
  [[ ${#missing[@]} -gt 0 ]] || return 0
  if ! can_be_root; then
    all_there "$@" 2>/dev/null ||
      die "Packages are missing, and installing them needs root or sudo; this is neither." \
        "Have an administrator run:" "  apt-get install ${missing[*]}" "Then run this again."
    return 0
  fi
  install_packages "${missing[@]}"
}

install_packages() {
  say "Installing $# package$([[ $# -eq 1 ]] || echo s): $*"
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3
    -o Dpkg::Use-Pty=0)
  as_root "${apt[@]}" update </dev/null >&2 ||
    note "apt-get update failed; going on with the lists that are here."
  keep_from_creating_a_cluster "$@"
  local status=0
  as_root "${apt[@]}" install -y --no-install-recommends "$@" </dev/null >&2 || status=$?
  allow_creating_a_cluster
  [[ $status -eq 0 ]] ||
    die "apt-get could not install: $*" "What it said is above." \
      "See whether \`apt-get install $*\` works by hand (network, proxy, disk), and run this again."
}

# Debian's server packages create and start a cluster `main` when they are installed. We want the programs alone,
# so for as long as apt runs a file in the place meant for it says so.
cluster_conf=/etc/postgresql-common/createcluster.d/moonpool-setup.conf
cluster_folders_made=''

keep_from_creating_a_cluster() {
  [[ " $* " == *" postgresql"* ]] || return 0
  local folder
  for folder in /etc/postgresql-common /etc/postgresql-common/createcluster.d; do
    [[ -d $folder ]] || cluster_folders_made="$folder $cluster_folders_made"
  done
  trap allow_creating_a_cluster EXIT
  as_root mkdir -p "${cluster_conf%/*}"
  echo 'create_main_cluster = false' | as_root tee "$cluster_conf" >/dev/null
  note "The server's programs only: no cluster is created or started on this machine."
}

# Puts things back, also after an interruption.
allow_creating_a_cluster() {
  [[ -e $cluster_conf ]] || return 0
  as_root rm -f "$cluster_conf"
  local folder
  for folder in $cluster_folders_made; do
    as_root rmdir --ignore-fail-on-non-empty "$folder" 2>/dev/null || true
  done
}
