# SoniqueBay: `make help` tells what there is. Nothing has to be prepared: each target installs what it needs.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check image lint types unit pipeline slow faults corpus fuzz units test-image bench lock clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One pytest run for each level, so that the cheap ones fail first.
PYTEST := $(BIN)/python -m pytest -q

help: ## tell what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

run: $(VENV)/ready ## build the image, boot it, scan music (MUSIC=/folder for your own), stay up until Ctrl-C
	@exec $(BIN)/python -m image run

image: $(VENV)/ready ## the flashable file, in dist/
	@$(BIN)/python -m image build

check: lint types units unit pipeline ## lint, types, units, unit tests, pipeline on a real Redis: no image

test: check slow test-image ## every test there is

lint: $(VENV)/ready ## ruff, ansible-lint
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/ansible-lint

types: $(VENV)/ready ## mypy, strict
	$(BIN)/mypy

units: $(VENV)/ready ## systemd-analyze verify of every unit
	$(PYTEST) tests/units

unit: $(VENV)/ready ## unit tests
	$(PYTEST) -m "not slow" tests/unit

pipeline: $(VENV)/ready ## real Redis, real worker, real audio of every format
	$(PYTEST) -m "not slow" tests/pipeline

slow: $(VENV)/ready ## tests that take their time: recovery, faults, made-up requests, the double of the internet, watching
	$(PYTEST) -m slow tests/unit tests/pipeline

corpus: $(VENV)/ready ## every broken file there is, read directly and scanned, beside one that hangs
	$(PYTEST) tests/corpus

fuzz: $(VENV)/ready ## many made-up requests to both APIs (FUZZ_EXAMPLES=200 a route)
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-200} $(PYTEST) tests/pipeline/test_fuzz.py

test-image: image ## the booted image, over SSH
	$(PYTEST) tests/image

faults: $(VENV)/ready ## kill, fill and silence each part at every stage: nothing is lost (some 15 minutes)
	$(PYTEST) tests/faults

bench: $(VENV)/ready ## every benchmark (docs/benchmarks.md), or one: bench-scan -scan … (tests/bench)
	$(BIN)/python -m tests.bench

bench-%: $(VENV)/ready
	$(BIN)/python -m tests.bench.$* $(BENCH_OPTIONS)

lock: $(VENV)/ready ## pin again: requirements*.in to requirements*.lock, hashes and no index addresses
	for name in requirements requirements-dev requirements-bootstrap; do \
	  $(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
	    --custom-compile-command 'make lock' $$name.in -o $$name.lock; done

clean: ## remove what was built here (the cache in the XDG cache folder stays)
	rm -rf $(VENV) dist build

# The environment: uv, pinned by hash, installs everything else, pinned by hash.
$(VENV)/ready: requirements-dev.lock requirements-bootstrap.lock pyproject.toml
	@$(PYTHON) -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	  || { sudo=$$([[ $$(id -u) == 0 ]] || echo sudo); $$sudo apt-get -q update; $$sudo apt-get -q install -y python3-venv; }
	@[[ -x $(BIN)/uv ]] || { $(PYTHON) -m venv $(VENV); \
	  $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-bootstrap.lock; }
	@$(BIN)/uv pip install -q --python $(VENV) --require-hashes -r requirements-dev.lock
	@$(BIN)/uv pip install -q --python $(VENV) --no-deps --no-build-isolation -e .
	@$(BIN)/python -m image host-packages
	@touch $@
