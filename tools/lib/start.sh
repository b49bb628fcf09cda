# shellcheck shell=bash
# What every tool begins with: strict, at the root of the checkout, able to talk.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
# shellcheck source=talk.sh
. "$root/tools/lib/talk.sh"

# jobs_here: how many things to do at once; MOONPOOL_JOBS says otherwise.
jobs_here() { echo "${MOONPOOL_JOBS:-$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)}"; }

# newest TOOL: the newest of LLVM's TOOL that is installed (clang++-16 before clang++), if that is 15 or later.
newest() {
  local version
  for version in {25..15}; do
    if have "$1-$version"; then
      echo "$1-$version"
      return
    fi
  done
  if have "$1" && [[ $("$1" --version) =~ version\ ([0-9]+) && ${BASH_REMATCH[1]} -ge 15 ]]; then
    echo "$1"
  fi
}

# quietly COMMAND...: its words are shown only if it fails.
quietly() {
  local words
  words=$("$@" </dev/null 2>&1) || {
    printf '%s\n' "$words" >&2
    die "this failed: $*"
  }
}

# sources [GLOB...]: our files of those names (of any), tracked or new, zero-terminated.
sources() {
  if git rev-parse --git-dir >/dev/null 2>&1; then
    git ls-files -z --cached --others --exclude-standard --deduplicate -- "$@"
  else
    local name names=(-name "${1:-*}")
    for name in "${@:2}"; do
      names+=(-o -name "$name")
    done
    find . \( -path './build*' -o -path ./.cache \) -prune -o -type f \( "${names[@]}" \) -print0
  fi
}
