#!/usr/bin/env bash
# worker-build and wasm-bindgen (the version that Cargo.lock names), built once and kept for every clone; `tools.sh cargo-deny` for
# cargo-deny alone.

. "$(dirname "$0")/common.sh"

locked() { awk -v name="\"$1\"" '$1 == "name" && $3 == name { getline; gsub(/"/, "", $3); print $3; exit }' Cargo.lock; }
at() { [ -x "$TOOLS/bin/$1" ] && "$TOOLS/bin/$1" --version 2>/dev/null | grep -qw "$2"; }
# Tools need not be fast: a low optimisation halves the minutes.
install() {
  local name=$1 version=$2
  shift 2
  step "cargo install $name $version (some minutes, once)" cargo install "$name" --version "$version" --root "$TOOLS" --force --config profile.release.opt-level=1 "$@"
}

if [ "${1:-}" = cargo-deny ]; then
  at cargo-deny 0.20.2 || install cargo-deny 0.20.2 --locked
  exit 0
fi
bindgen=$(locked wasm-bindgen)
at wasm-bindgen "$bindgen" || install wasm-bindgen-cli "$bindgen"
at worker-build 0.8.7 || install worker-build 0.8.7 --locked
