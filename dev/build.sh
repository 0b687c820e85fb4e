#!/usr/bin/env bash
# Builds the Worker into build/. worker-build would fetch its helpers from GitHub; it is given those that are here.

. "$(dirname "$0")/setup/common.sh"
. "$WASM_ENV"

export PATH="$TOOLS/bin:$PATH"
export WASM_BINDGEN_BIN="$TOOLS/bin/wasm-bindgen"
export WASM_OPT_BIN="$PWD/node_modules/.bin/wasm-opt"
export ESBUILD_BIN="$PWD/node_modules/.bin/esbuild"
step "building the Worker" worker-build --release
say "build/: $(gzip -9 -c build/index_bg.wasm build/index.js | wc -c | awk '{ printf "%.0f KiB gzip", $1 / 1024 }')"
