# shellcheck shell=bash
# Talk goes to stderr: stdout belongs to what the user asked for, and may be a pipe.

if [[ -t 2 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' red=$'\e[31m' plain=$'\e[0m'
else
  bold='' red='' plain=''
fi

# say WORDS: one step of the way.
say() { printf '%s==>%s %s\n' "$bold" "$plain" "$*" >&2; }

# note WORDS: what belongs to the last step.
note() { printf '    %s\n' "$*" >&2; }

# die WHAT [CURE...]: what went wrong, and a line for each thing that can be done about it.
die() {
  printf '%serror:%s %s\n' "$red" "$plain" "$1" >&2
  shift
  local cure
  for cure in "$@"; do
    note "$cure"
  done
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }
