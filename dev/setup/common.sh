# Functions and paths that every set-up script shares; sourced, not run.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Tools that take minutes to build are stored outside the checkout and serve every clone.
HUB_CACHE="${HUB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/stacklumen-hub}"
TOOLS="$HUB_CACHE/tools"
WASM_ENV="$HUB_CACHE/wasm-env.sh"
mkdir -p "$HUB_CACHE"

say() { printf '  %s\n' "$*" >&2; }

fail() {
  printf '\n%s\n' "$*" >&2
  exit 1
}

# Runs a long step: prints its name, shows its last line while it runs, and its whole output only if it fails.
step() {
  local what=$1 log started=$SECONDS
  shift
  log="$HUB_CACHE/$(printf '%s' "$what" | tr -cs 'a-zA-Z0-9' '-').log"
  printf '  %s …\n' "$what" >&2
  "$@" >"$log" 2>&1 </dev/null &
  local job=$!
  while kill -0 "$job" 2>/dev/null; do
    sleep 1
    local passed=$((SECONDS - started))
    if [ -t 2 ]; then
      printf '\r\033[K    %4d s  %s' "$passed" "$(tail -n 1 "$log" | tr -d '\r' | cut -c1-90)" >&2
    elif [ $((passed % 30)) -eq 29 ]; then
      printf '    %4d s  %s\n' "$passed" "$(tail -n 1 "$log" | tr -d '\r' | cut -c1-90)" >&2
    fi
  done
  [ -t 2 ] && printf '\r\033[K' >&2
  if ! wait "$job"; then
    tail -n 40 "$log" >&2
    fail "$what failed after $((SECONDS - started)) s; the whole output is in $log"
  fi
  say "  done in $((SECONDS - started)) s"
}

# Installs Debian packages, or prints the command that does.
packages() {
  local missing=()
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  command -v apt-get >/dev/null || fail "Missing: ${missing[*]}. Install them with your system's package manager, then run this again."
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || fail "Missing: ${missing[*]}. Run: sudo apt-get install -y --no-install-recommends ${missing[*]}"
    sudo=(sudo -n)
  fi
  step "apt-get update" "${sudo[@]}" apt-get update -q
  step "apt-get install ${missing[*]}" "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}

# Requirements that cannot be installed from here.
needs() {
  local command=$1 how=$2
  command -v "$command" >/dev/null || fail "\`$command\` is not installed. Install it: $how"
}

# Requires Node of at least this major version; the one that runs the Hub's tools comes from npm, but npm itself needs
# this.
needs_node() {
  local wanted=$1 found
  found=$(node --version 2>/dev/null || true)
  local major=${found#v}
  major=${major%%.*}
  [[ $major =~ ^[0-9]+$ ]] && [ "$major" -ge "$wanted" ] ||
    fail "Node.js $wanted or newer with npm is required; found: ${found:-none}. Install it: https://nodejs.org"
}
