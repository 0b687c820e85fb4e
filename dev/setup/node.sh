#!/usr/bin/env bash
# Installs the npm packages of this folder or of the named one, exactly those of its lock file; again only if it
# changed.

. "$(dirname "$0")/common.sh"

cd "${1:-.}"
stamp=node_modules/.lock-sum
sum=$(cat package.json package-lock.json | cksum)
[ "$(cat "$stamp" 2>/dev/null || true)" = "$sum" ] && exit 0
step "npm ci${1:+ in $1}" npm ci --no-audit --no-fund
printf '%s' "$sum" >"$stamp"
