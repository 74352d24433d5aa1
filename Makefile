# `make help` lists what there is.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CARGO_TARGET_DIR ?= $(CURDIR)/target
export CARGO_TARGET_DIR
export PYTHONPATH := $(CURDIR)/tests
export PYTHONDONTWRITEBYTECODE := 1
# `dist` for what is installed: smaller and faster programs, and many minutes more.
PROFILE ?= release
export FIRN_BIN ?= $(CARGO_TARGET_DIR)/$(PROFILE)/firn

PYTHON ?= python3
# Crates with programs.
PROGRAMS := firn firn-api firn-conductor firn-agent firn-manage
# Every crate in drivers/ that is a driver: a cdylib that ends beside the binary.
DRIVERS := $(patsubst drivers/%/Cargo.toml,firn-driver-%,$(shell grep -l 'cdylib' drivers/*/Cargo.toml))
# Size of the bench: small (minutes) or full (the figures in docs/bench).
SIZE ?= full
ROUNDS ?= 3
# Random requests an operation of the fuzzer, and what they are made from.
EXAMPLES ?= 15
SEED ?= 1
# Rounds of trouble.
TROUBLES ?= 30

.PHONY: help deps build lint test rough-test fuzz-api demo bench bench-chunks bench-api \
	cloud cloud-down cloud-smoke cloud-test cloud-trouble cloud-during cloud-bench lint-shell clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{ printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## Install missing Debian packages and tools
	@tests/install/deps.sh

build: deps ## The programs and the drivers beside them (PROFILE=release|dist)
	@echo "building (minutes the first time) ..."
	@cargo build --profile $(PROFILE) --quiet --locked $(addprefix -p ,$(PROGRAMS) $(DRIVERS))
	@# The service refuses drivers that others may write to, whatever the umask was.
	@chmod go-w $(addprefix $(CARGO_TARGET_DIR)/$(PROFILE),/ /libfirn_driver_*.so)
	@echo "built $(CARGO_TARGET_DIR)/$(PROFILE)"

lint: deps ## Formatting and clippy, warnings are errors
	@cargo fmt --all --check
	@cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
	@tests/install/lint_shell.sh

test: build ## Lint and all tests; a tally at the end
	@tests/install/test.sh

rough-test: build ## The tests that kill, freeze and outwait servers, and all others
	@PYTHONPATH=tests $(PYTHON) -m ground run rabbitmq,mariadb,postgresql,keystone,ceph -- \
		cargo nextest run --workspace --locked --no-fail-fast --profile rough

fuzz-api: build ## Requests made from the OpenAPI document, valid and not (EXAMPLES=N SEED=N)
	@$(PYTHON) -m api_fuzz --examples $(EXAMPLES) --seed $(SEED)

demo: build ## A virtual machine backed up, changed, restored and compared
	@$(PYTHON) -m demo

bench: build ## Firn and its peers on the same data (SIZE=small|full ROUNDS=N)
	@$(PYTHON) -m bench --size $(SIZE) --rounds $(ROUNDS)

bench-chunks: build ## Time and stored bytes for each chunk size
	@$(PYTHON) -m bench --size $(SIZE) --chunk-sizes

bench-api: PROFILE := dist
bench-api: PROGRAMS := firn-api firn-conductor firn-manage
bench-api: build ## Firn's API beside cinder-api, and jobs a second
	@tests/install/deps.sh packages-api-bench.txt
	@$(PYTHON) -m bench_api

cloud: ## An OpenStack on Ceph on this machine, for tests (as root)
	@tests/install/deps.sh packages-cloud.txt
	@tests/cloud/up

cloud-down: ## Stop it; its data stays (tests/cloud/down --wipe removes it)
	@tests/cloud/down

cloud-smoke: cloud ## A server's life on the cloud: boot, write, restart, delete
	@tests/cloud/smoke

cloud-test: build cloud ## Firn on the cloud: a running server backed up, restored, compared; tenants apart
	@tests/cloud/up firn
	@tests/cloud/test
	@FIRN_CLOUD=$${FIRN_CLOUD:-$${FIRN_BUILD_DIR:-$(CURDIR)/build}/cloud} \
		cargo nextest run --workspace --locked --profile cloud

cloud-trouble: build cloud ## Backups and restores while processes are killed (TROUBLES=N SEED=N)
	@tests/cloud/up firn
	@tests/cloud/trouble --seed $(SEED) --rounds $(TROUBLES)

cloud-during: build cloud ## What a tenant does to a server while a backup of it reads
	@tests/cloud/up firn
	@tests/cloud/during

cloud-bench: build cloud ## Incremental backups beside rbd export-diff of the same change (ROUNDS=N SEED=N)
	@tests/cloud/up firn
	@tests/cloud/changed --rounds $(ROUNDS) --seed $(SEED)

lint-shell: deps ## shellcheck and bashate over all shell scripts
	@tests/install/lint_shell.sh

clean: ## Remove what was built and the cached images
	@cargo clean --quiet
	@[ ! -e build/cloud ] || tests/cloud/down --wipe
	@rm -rf build
