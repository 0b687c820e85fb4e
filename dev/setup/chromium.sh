#!/usr/bin/env bash
# Installs a browser for the tests: the installed one if there is one, else Debian's.

. "$(dirname "$0")/common.sh"

command -v chromedriver >/dev/null && { command -v chromium || command -v google-chrome; } >/dev/null && exit 0
packages chromium chromium-driver
