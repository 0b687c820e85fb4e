#!/usr/bin/env bash
# Installs what a command needs and is missing; prints nothing if nothing is missing. `all.sh node` for the npm
# packages, `build` for those and the compiler of the Worker, `check` for that and cargo-deny, `test` for that, the
# example app and a browser; without an argument everything.

. "$(dirname "$0")/common.sh"
what=${1:-everything}
case $what in node | build | check | test | everything) ;; *) fail "usage: dev/setup/all.sh [node | build | check | test]" ;; esac

needs node "https://nodejs.org (20 or newer)"
needs npm "it comes with Node"
needs_node 20
dev/setup/node.sh
[ "$what" != node ] || exit 0

needs curl "apt-get install curl"
needs openssl "apt-get install openssl"
needs rustup "https://rustup.rs"
dev/setup/rust.sh
dev/setup/tools.sh
case $what in check | everything) dev/setup/tools.sh cargo-deny ;; esac
case $what in
  test | everything)
    dev/setup/node.sh examples/browser-app
    dev/setup/chromium.sh
    ;;
esac
