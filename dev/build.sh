#!/usr/bin/env bash
# Builds the Worker into build/. worker-build would fetch its helpers from GitHub; it uses the local ones instead.

. "$(dirname "$0")/setup/common.sh"
. "$WASM_ENV"

# Debian's standard library has no bitcode to optimize across.
[ -n "${RUSTUP_TOOLCHAIN:-}" ] || export CARGO_PROFILE_RELEASE_LTO=fat
HUB_CARGO=$(command -v cargo)
export HUB_CARGO PATH="$PWD/dev/cargo-cdylib-wrapper:$TOOLS/bin:$PATH"
export WASM_BINDGEN_BIN="$TOOLS/bin/wasm-bindgen"
export WASM_OPT_BIN="$PWD/node_modules/.bin/wasm-opt"
export ESBUILD_BIN="$PWD/node_modules/.bin/esbuild"

# The features that rustc and wasm-bindgen use and workerd supports; no newer encoding.
features=(bulk-memory exception-handling multivalue mutable-globals nontrapping-float-to-int reference-types sign-ext)
optimize() {
  "$WASM_OPT_BIN" -Oz "${features[@]/#/--enable-}" --strip-debug --strip-producers build/index_bg.wasm -o build/optimized.wasm
  mv build/optimized.wasm build/index_bg.wasm
}

step "building the Worker" worker-build --release
step "optimizing it" optimize
say "build/: $(gzip -9 -c build/index_bg.wasm build/index.js | wc -c | awk '{ printf "%.0f KiB gzip", $1 / 1024 }')"
