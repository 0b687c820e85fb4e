#!/usr/bin/env bash
# A browser for the tests: the one that is there, else Debian's.

. "$(dirname "$0")/common.sh"

command -v chromedriver >/dev/null && { command -v chromium || command -v google-chrome; } >/dev/null && exit 0
packages chromium chromium-driver
