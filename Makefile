# The commands of the Hub; `make help` lists them. Each installs its missing requirements and may be repeated.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help setup dev dev-reset dev-seed db-check build types test check bench soak clean fuzz

# Node 22 from npm; the system's Node only installs it.
NODE := node_modules/.bin/node
SOURCES := $(shell find src templates public data -type f 2>/dev/null) Cargo.toml Cargo.lock build.rs wrangler.toml rust-toolchain.toml $(wildcard .git/logs/HEAD)

help: ## Lists the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

setup: ## Installs the requirements of all commands: npm packages, Rust's wasm32 target, worker-build, wasm-bindgen, cargo-deny, Chromium
	@dev/setup/all.sh

dev: build ## Runs everything locally, prints the URLs and personas; for a browser app: make dev ORIGINS=http://localhost:5173
	@dev/setup/all.sh build
	@ORIGINS="$(ORIGINS)" exec $(NODE) dev/main.mjs

dev-reset: ## Deletes the local data
	@dev/setup/all.sh node
	@$(NODE) dev/main.mjs reset

dev-seed: ## Seeds the local data anew: make dev-seed ROWS=100000
	@dev/setup/all.sh node
	@ROWS=$(or $(ROWS),200) $(NODE) dev/main.mjs seed

db-check: ## Checks any database for gaps and drift, read-only: make db-check URL=postgres://…
	@dev/setup/all.sh node
	@$(NODE) dev/db-check.mjs

types: ## Writes the TypeScript types of each audience into types/
	@cargo run --locked --quiet --example types

build: build/.done ## Builds the deployable bundle in build/

build/.done: $(SOURCES)
	@dev/setup/all.sh build
	@dev/build.sh
	@touch $@

test: ## Runs every test; one stage with STAGE=native, browser, database, dev-stack or e2e
	@dev/setup/all.sh test
	@dev/test.sh $(STAGE)

check: ## Checks format, lints (native, wasm32, JavaScript), licences, documents and scripts
	@dev/setup/all.sh check
	@dev/check.sh

bench: build ## Measures the Hub against a pass-through, the audit log against a bare table, and its filters and export at ROWS=1000000
	@dev/setup/all.sh build
	@status=0; \
	$(NODE) bench/run.mjs || status=1; \
	cargo run --locked --quiet --release --config profile.release.opt-level=3 --example rejection_cost || status=1; \
	$(NODE) bench/audit-trigger.mjs || status=1; \
	$(NODE) bench/audit-queries.mjs || status=1; \
	exit $$status

soak: build ## Measures the memory that an isolate retains of its requests: make soak REQUESTS=50000
	@dev/setup/all.sh build
	@$(NODE) bench/soak.mjs

clean: ## Removes what was built, not the local data
	rm -rf target build

fuzz: ## Fuzzes the code that unauthenticated input reaches: make fuzz TARGET=token SECONDS=600 (token, cookies, query, webhook)
	@dev/setup/all.sh build
	@dev/fuzz.sh $(or $(TARGET),token) $(or $(SECONDS),600)
