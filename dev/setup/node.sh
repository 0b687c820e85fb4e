#!/usr/bin/env bash
# npm packages, exactly those of the lock file; again only when it changed.

. "$(dirname "$0")/common.sh"

stamp=node_modules/.lock-sum
sum=$(cat package.json package-lock.json | cksum)
[ "$(cat "$stamp" 2>/dev/null || true)" = "$sum" ] && exit 0
step "npm ci" npm ci --no-audit --no-fund
printf '%s' "$sum" >"$stamp"
