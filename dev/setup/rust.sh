#!/usr/bin/env bash
# Installs the wasm32 target: from rustup, or where rustup has no network from Debian's Rust, whose library source is
# built here.

. "$(dirname "$0")/common.sh"

target=wasm32-unknown-unknown
channel=$(sed -n 's/^channel = "\(.*\)"$/\1/p' rust-toolchain.toml)

has_target() { rustup target list --installed 2>/dev/null | grep -qx "$target"; }

if [ -f "$WASM_ENV" ] && grep -q "# for $channel" "$WASM_ENV"; then
  exit 0
fi
if ! has_target; then
  rustup target add "$target" >"$HUB_CACHE/rustup.log" 2>&1 || true
fi
if has_target; then
  printf '# for %s\n' "$channel" >"$WASM_ENV"
  exit 0
fi

say "rustup cannot download $target here; using Debian's Rust and its library source"
command -v apt-get >/dev/null || fail "Run on a host where rustup has network access: rustup target add $target"
if [ "$(id -u)" -eq 0 ]; then apt-get update -q >/dev/null 2>&1 || true; fi
lld=$(apt-cache search --names-only '^lld-[0-9]+$' | awk '{ print $1 }' | sort -t- -k2 -n | tail -n 1)
packages rustc-web cargo-web rust-web-src rust-web-clippy "$lld"
rustup toolchain link debian /usr
library=/usr/lib/rustlib/$target/lib
if ! ls "$library"/libstd-*.rlib >/dev/null 2>&1; then
  [ -w /usr/lib/rustlib ] || fail "$library is writable by root only. Run once: sudo make setup"
  folder=$(mktemp -d)
  (cd "$folder" && cargo init -q --lib --name empty .)
  build() {
    cd "$folder"
    RUSTUP_TOOLCHAIN=debian CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="wasm-ld-${lld#lld-}" RUSTC_BOOTSTRAP=1 \
      cargo build --release -Z build-std=std,panic_abort,panic_unwind,test,proc_macro --target "$target"
  }
  step "the standard library for $target" build
  mkdir -p "$library"
  find "$folder/target/$target/release/deps" -name '*.rlib' ! -name 'libempty*' -exec cp {} "$library/" \;
  rm -rf "$folder"
fi
{
  printf '# for %s\n' "$channel"
  printf 'export RUSTUP_TOOLCHAIN=debian CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-%s\n' "${lld#lld-}"
} >"$WASM_ENV"
