#!/usr/bin/env bash
# Every test, stage by stage, the fast ones first; goes on after a failure, and adds up at the end.

. "$(dirname "$0")/setup/common.sh"

export PATH="$PWD/node_modules/.bin:$TOOLS/bin:$PATH"
passed=0 failed=0 bad=()

# Adds up the closing lines of cargo's and of node's test runners.
count() {
  local log=$1 name=$2 status=$3 good wrong
  good=$(sed -nE 's/^test result: .* ([0-9]+) passed.*/\1/p; s/^(# |ℹ )pass ([0-9]+)$/\2/p' "$log" | awk '{ sum += $1 } END { print sum + 0 }')
  wrong=$(sed -nE 's/^test result: .* ([0-9]+) failed.*/\1/p; s/^(# |ℹ )fail ([0-9]+)$/\2/p' "$log" | awk '{ sum += $1 } END { print sum + 0 }')
  # A stage that broke before it counted is one failure, and so is one that tested nothing.
  if [ "$status" -ne 0 ] && [ "$wrong" -eq 0 ]; then wrong=1; fi
  if [ "$good" -eq 0 ] && [ "$wrong" -eq 0 ]; then wrong=1; fi
  passed=$((passed + good)) failed=$((failed + wrong))
  [ "$wrong" -eq 0 ] || bad+=("$name")
}

stage() {
  local name=$1 log="$HUB_CACHE/test-$1.log" started=$SECONDS status=0
  shift
  [ -z "$only" ] || [ "$only" = "$name" ] || return 0
  printf '\n== %s\n' "$name"
  "$@" 2>&1 </dev/null | tee "$log" || status=1
  count "$log" "$name" "$status"
  printf -- '-- %s: %d s\n' "$name" "$((SECONDS - started))"
}

native() { cargo test --locked; }
browser() {
  . "$WASM_ENV"
  # Unoptimized RSA in WebAssembly takes minutes for what takes a second.
  export CARGO_PROFILE_DEV_OPT_LEVEL=1 CARGO_PROFILE_DEV_DEBUG=0 WASM_BINDGEN_TEST_TIMEOUT=180
  CHROMEDRIVER=$(command -v chromedriver) CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=wasm-bindgen-test-runner \
    cargo test --locked --target wasm32-unknown-unknown --features open --test browser
}
database() { node --test --test-reporter=spec tests/database/*.test.mjs; }
stack() { make build && node --test --test-reporter=spec tests/dev/*.test.mjs; }
live() { make build && node --test --test-reporter=spec --experimental-test-isolation=none tests/edge/*.test.mjs; }

only=${1:-}
stage native native
stage browser browser
stage database database
stage stack stack
stage live live

[ ${#bad[@]} -eq 0 ] || printf '\nfailed: %s\n' "${bad[*]}"
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
