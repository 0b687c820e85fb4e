#!/usr/bin/env bash
# Builds worker-build and wasm-bindgen (the version that Cargo.lock names) once for every clone; `tools.sh cargo-deny`
# for cargo-deny alone.

. "$(dirname "$0")/common.sh"

locked() { awk -v name="\"$1\"" '$1 == "name" && $3 == name { getline; gsub(/"/, "", $3); print $3; exit }' Cargo.lock; }
at() { [ -x "$TOOLS/bin/$1" ] && "$TOOLS/bin/$1" --version 2>/dev/null | grep -qw "$2"; }
# With the versions of the package's own lock file. A registry mirror may lack one of them: then cargo chooses, except
# where releases are checked.
locked_first() { "$@" --locked || { [ -z "${GITHUB_ACTIONS:-}" ] && "$@"; }; }
# Tools need not be fast: a low optimization level halves the build time.
install() {
  step "cargo install $1 $2 (some minutes, once)" locked_first cargo install "$1" --version "$2" --root "$TOOLS" --force --config profile.release.opt-level=1
}

if [ "${1:-}" = cargo-deny ]; then
  at cargo-deny 0.20.2 || install cargo-deny 0.20.2
  exit 0
fi
bindgen=$(locked wasm-bindgen)
at wasm-bindgen "$bindgen" || install wasm-bindgen-cli "$bindgen"
at worker-build 0.8.7 || install worker-build 0.8.7
