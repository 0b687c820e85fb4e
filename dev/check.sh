#!/usr/bin/env bash
# Format, lints, licences, documents, scripts: every check that needs no running service.

. "$(dirname "$0")/setup/common.sh"

failed=()
run() {
  local what=$1
  shift
  printf '== %s\n' "$what"
  "$@" || failed+=("$what")
}
wasm() { (. "$WASM_ENV" && "$@"); }
scripts() {
  local status=0
  for script in .ci/run dev/cargo-cdylib-wrapper/cargo $(git ls-files '*.sh'); do bash -n "$script" || status=1; done
  return $status
}

run format cargo fmt --check
run "lints, native" cargo clippy --locked --all-targets --features database-tests -- -D warnings
run "lints, wasm32" wasm cargo clippy --locked --target wasm32-unknown-unknown --lib -- -D warnings
run "lints, browser tests" wasm cargo clippy --locked --target wasm32-unknown-unknown --features test-internals --test browser -- -D warnings
run "licences and sources" "$TOOLS/bin/cargo-deny" --locked check bans licenses sources
run additions node_modules/.bin/node dev/additions.mjs build
run "token vectors" node_modules/.bin/node tests/vectors/make-tokens.mjs --check
run documents env RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items --quiet
run "syntax, shell scripts" scripts
run "format, JavaScript" node_modules/.bin/node node_modules/.bin/prettier --check --log-level warn $(git ls-files '*.mjs' '*.json' '*.yml')
run "lints, JavaScript" node_modules/.bin/node node_modules/.bin/eslint --max-warnings 0 .

[ ${#failed[@]} -eq 0 ] || fail "failed: ${failed[*]}"
echo "all checks passed"
