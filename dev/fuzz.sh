#!/usr/bin/env bash
# Runs one fuzz target for some seconds, from seeds that it generates; findings are written to fuzz/artifacts.

. "$(dirname "$0")/setup/common.sh"

target=$1 seconds=$2
[ -f "fuzz/fuzz_targets/$target.rs" ] || fail "TARGET must be one of $(cd fuzz/fuzz_targets && ls | sed 's/\.rs$//' | paste -sd, | sed 's/,/, /g')"
needs c++ "apt-get install g++"
# libFuzzer's instrumentation is not in the stable compiler.
rustup toolchain list | grep -q '^nightly' || step "rustup toolchain install nightly" rustup toolchain install nightly --profile minimal
"$TOOLS/bin/cargo-fuzz" --version 2>/dev/null | grep -qw 0.13.2 ||
  step "cargo install cargo-fuzz 0.13.2 (once)" cargo install cargo-fuzz --version 0.13.2 --root "$TOOLS" --force --locked
node_modules/.bin/node fuzz/seeds.mjs
corpus="fuzz/corpus/$target"
mkdir -p "$corpus" "fuzz/artifacts/$target"
PATH="$TOOLS/bin:$PATH" cargo +nightly fuzz run "$target" "$corpus" "fuzz/seeds/$target" -- \
  -max_total_time="$seconds" -max_len=16384 -timeout=5 -rss_limit_mb=1024 -print_final_stats=1
