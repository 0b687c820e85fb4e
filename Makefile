# The commands of the Hub; `make help` lists them. Each installs its missing requirements and may be repeated.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help setup dev dev-reset dev-seed db-check build types test check additions bench soak clean fuzz

# Node 22 from npm; the system's Node only installs it.
NODE := node_modules/.bin/node
SOURCES := $(shell find src templates public data -type f 2>/dev/null) Cargo.toml Cargo.lock build.rs wrangler.toml rust-toolchain.toml $(wildcard .git/logs/HEAD)

help: ## Lists the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

setup: ## Installs the requirements of all commands (each command installs its own on first use)
	@dev/setup/all.sh

dev: build ## Starts the local stack and prints its URLs and test users; ORIGINS=http://localhost:5173 allows a browser app
	@dev/setup/all.sh build
	@ORIGINS="$(ORIGINS)" exec $(NODE) dev/main.mjs

dev-reset: ## Deletes the local data
	@dev/setup/all.sh node
	@$(NODE) dev/main.mjs reset

dev-seed: ## Replaces the local data by generated data: make dev-seed ROWS=100000
	@dev/setup/all.sh node
	@ROWS=$(or $(ROWS),200) $(NODE) dev/main.mjs seed

db-check: ## Checks a database for missing protection and drift, read-only: make db-check URL=postgres://…
	@dev/setup/all.sh node
	@$(NODE) dev/db-check.mjs

types: ## Generates the TypeScript types for each kind of client into types/
	@cargo run --locked --quiet --example types

build: build/.done ## Builds the deployable Worker in build/

build/.done: $(SOURCES)
	@dev/setup/all.sh build
	@dev/build.sh
	@touch $@

test: ## Runs all tests, or one stage: STAGE=native, browser, database, dev-stack or e2e
	@dev/setup/all.sh test
	@dev/test.sh $(STAGE)

check: ## Checks formatting, lints (native, wasm32 and JavaScript), licences, documentation and scripts
	@dev/setup/all.sh check
	@dev/check.sh

additions: ## Adds one thing of each kind to a copy: the build or a test must fail until the rest is there
	@dev/setup/all.sh build
	@$(NODE) dev/additions.mjs

bench: build ## Runs the benchmarks: request cost, audit trigger, audit log queries and export (ROWS=1000000)
	@dev/setup/all.sh build
	@status=0; \
	$(NODE) bench/run.mjs || status=1; \
	cargo run --locked --quiet --release --config profile.release.opt-level=3 --example rejection_cost || status=1; \
	$(NODE) bench/audit-trigger.mjs || status=1; \
	$(NODE) bench/audit-queries.mjs || status=1; \
	exit $$status

soak: build ## Measures memory growth of an isolate over many requests: make soak REQUESTS=50000
	@dev/setup/all.sh build
	@$(NODE) bench/soak.mjs

clean: ## Deletes build output; keeps the local data
	rm -rf target build

fuzz: ## Fuzzes the parsers of unauthenticated input: make fuzz TARGET=token SECONDS=600 (token, cookies, query, webhook)
	@dev/setup/all.sh build
	@dev/fuzz.sh $(or $(TARGET),token) $(or $(SECONDS),600)
