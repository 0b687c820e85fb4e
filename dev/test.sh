#!/usr/bin/env bash
# Runs every test, stage by stage, the fast ones first; continues after a failure, and prints the totals at the end.

. "$(dirname "$0")/setup/common.sh"

export PATH="$PWD/node_modules/.bin:$TOOLS/bin:$PATH"
passed=0 failed=0 bad=()
# A runner that Ctrl-C ends exits with its own code, after which bash would continue with the next stage.
trap 'exit 130' INT

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
  # Unoptimized RSA in WebAssembly takes minutes instead of a second.
  export CARGO_PROFILE_DEV_OPT_LEVEL=1 CARGO_PROFILE_DEV_DEBUG=0 WASM_BINDGEN_TEST_TIMEOUT=180
  CHROMEDRIVER=$(command -v chromedriver) CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=wasm-bindgen-test-runner \
    cargo test --locked --target wasm32-unknown-unknown --features test-internals --test browser
}
# Each file has its own ports and data; a busy one and a waiting one share two cores.
files() { node --test --test-concurrency=2 --test-reporter=spec "$@"; }
templates() { room && node tests/database/template.mjs; }
database() { templates && files tests/database/*.test.mjs; }
dev_stack() { make build && files tests/dev/*.test.mjs; }

# Every file on one stack in one process; those of APART, which wait, restart the Hub or load it, beside them on their
# own stack.
e2e_files() { node --test --test-reporter=spec --experimental-test-isolation=none "$@"; }
e2e() {
  make build && templates || return 1
  local file rest=() apart=() log="$HUB_CACHE/test-e2e-apart.log" other status=0
  for file in tests/e2e/*.test.mjs; do
    case " ${APART[*]} " in *" $(basename "$file" .test.mjs) "*) apart+=("$file") ;; *) rest+=("$file") ;; esac
  done
  TEST_FOLDER=.local/test-apart e2e_files "${apart[@]}" >"$log" 2>&1 &
  other=$!
  e2e_files "${rest[@]}" || status=1
  # The output of those so far, and the output until they end.
  tail -n +1 -f --pid="$other" "$log"
  wait "$other" || status=1
  return "$status"
}
APART=(disconnects keys queue upstream-outages)

# A full disk fails tests one by one, each in another way.
room() {
  local place free
  for place in . "${TMPDIR:-/tmp}"; do
    free=$(df -Pk "$place" | awk 'NR == 2 { print int($4 / 1024) }')
    [ "$free" -ge "$ROOM_MB" ] && continue
    printf 'Not enough disk space: %s MB free in %s; the test databases require %s MB.\n' "$free" "$(cd "$place" && pwd)" "$ROOM_MB"
    return 1
  done
}
ROOM_MB=2048

only=${1:-}
stage native native
stage browser browser
stage database database
stage dev-stack dev_stack
stage e2e e2e

[ ${#bad[@]} -eq 0 ] || printf '\nfailed: %s\n' "${bad[*]}"
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
