#!/usr/bin/env bash
# Installs what the commands need and is not there yet; says nothing when nothing is missing.
# `all.sh` for everything, `all.sh wasm` for what a build needs, `all.sh node` for the npm packages.

. "$(dirname "$0")/common.sh"
what=${1:-everything}

needs curl "apt-get install curl"
needs openssl "apt-get install openssl"
needs node "https://nodejs.org (20 or newer)"
needs npm "it comes with Node"
needs rustup "https://rustup.rs"

dev/setup/node.sh
if [ "$what" != node ]; then
  dev/setup/rust.sh
  dev/setup/tools.sh
fi
if [ "$what" = everything ]; then
  dev/setup/chromium.sh
fi
