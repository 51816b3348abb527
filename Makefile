# SoniqueBay: `make help` tells what there is. Nothing has to be prepared: each target installs what it needs.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
.PHONY: help run serve test test-all check image release artifacts web model lint types unit pipeline test-web slow long faults corpus edits fuzz attack units molecule test-image \
  test-containers test-server container-image test-customised test-artifacts test-reproducible test-raspios \
  test-raspi4b test-clients test-power-cuts power-cuts minimal bench audit docs docs-api test-report lock clean

PYTHON ?= python3
PROFILE ?= debian
VENV := .venv
BIN := $(VENV)/bin
# One pytest run for each level, so that the cheap ones fail first.
PYTEST = $(RECORD) $(BIN)/python -m pytest -q
# Runs a command and records the target's result for `make test-report`.
RECORD = $(BIN)/python -m tools.results record $@ --
WITH_PATH := PATH="$(CURDIR)/$(BIN):$$PATH"

help: ## tell what there is
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):[^#]*## /\1\t/' | awk -F'\t' '{printf "  make %-16s %s\n", $$1, $$2}'

run: $(VENV)/ready ## build the image, boot it, scan music (MUSIC=/folder for your own), stay up until Ctrl-C
	@[[ $(PROFILE) == debian ]] || { echo 'Only the profile debian boots on the emulated machine: make image PROFILE=$(PROFILE)'; exit 2; }
	@exec $(BIN)/python -m image run

serve: web model ## the programs without an image, over MUSIC=/folder, with their library in DATA=/folder, until Ctrl-C
	@[[ -n "$${MUSIC:-}" && -n "$${DATA:-}" ]] || { echo 'Name both folders: make serve MUSIC=~/Music DATA=~/soniquebay'; exit 2; }
	@exec $(BIN)/soniquebay serve --music "$$MUSIC" --data "$$DATA"

image: $(VENV)/ready ## the flashable file, in dist/ (PROFILE=debian)
	@$(BIN)/python -m image build --profile $(PROFILE)

release: $(VENV)/ready ## what is given out, in dist/: only from a commit, with a dated section in CHANGELOG.md
	@$(BIN)/python -m tools.release
	@$(MAKE) artifacts

artifacts: image ## the same from any tree: compressed, checksum, block map, SBOM, Imager's manifest (SIGN_KEY=, RELEASE_URL=)
	@$(BIN)/python -m image publish --profile $(PROFILE)

check: lint types units unit pipeline test-web ## lint, types, units, unit tests, pipeline on a real Redis, the page: no image

# The cheap ones first. Then the image is built, tried in containers and booted, beside the tests on a real Redis, which
# wait for things most of the time.
test: lint types ## every test of a release
	@mkdir -p build; echo 'Meanwhile the image is built, tried in containers and booted: build/image.log'
	@setsid $(MAKE) image minimal test-containers molecule > build/image.log 2>&1 & other=$$!; \
	  trap 'kill -- -$$other 2>/dev/null || true' EXIT; \
	  $(MAKE) units unit pipeline test-web slow; \
	  wait $$other || { tail -n 60 build/image.log; exit 1; }; trap - EXIT
	@grep -E '^[0-9]+ passed' build/image.log

# docs/testing.md has the last result and duration of each.
LONGER := docs long faults corpus edits fuzz attack test-artifacts molecule-upgrade molecule-site molecule-worker test-customised test-server test-raspi4b test-raspios power-cuts \
  test-reproducible test-clients
test-all: test $(LONGER) ## and all the others

web: $(VENV)/ready ## build the page (app/web) into app/soniquebay; every test of a running stack needs it
	@$(BIN)/python -m image web-page

model: $(VENV)/ready ## make the learned model in app/soniquebay; the analysis needs it
	@$(BIN)/python -m image learned-model

lint: web ## ruff, import-linter, ansible-lint; biome for the page
	$(WITH_PATH) $(RECORD) sh -c 'ruff format --check && ruff check && lint-imports --no-cache --no-logo && ansible-lint && python -m image web-page lint'

types: web ## mypy, strict; the build of the page checks its TypeScript
	$(RECORD) $(BIN)/mypy

units: $(VENV)/ready ## systemd-analyze verify of every unit; the roles, by ansible-playbook on this machine
	$(PYTEST) -m "not slow" tests/systemd_units tests/roles

unit: web model ## unit tests, those of the page too
	@$(BIN)/python -m image web-page test
	$(PYTEST) -m "not slow" tests/unit

test-web: web model ## the page in Debian's Chromium, over a running stack (root installs Chromium)
	$(PYTEST) -m "not long" tests/web

pipeline: model ## real Redis, real worker, real audio of every format
	$(PYTEST) -m "not slow" tests/pipeline

slow: model ## tests that take their time, a case of each kind: recovery, a fault, made-up requests, the internet's double, watching, playbooks
	$(PYTEST) -m "slow and not long" tests/unit tests/roles tests/pipeline

long: web model ## slow tests that take longest, and their other cases: changed roots, pictures, edits, memory given back, upgrades
	$(PYTEST) -m long tests/unit tests/roles tests/pipeline tests/web

corpus: model ## every broken file there is, read directly and scanned, beside one that hangs
	$(PYTEST) tests/corpus

fuzz: model ## many made-up requests to both APIs (FUZZ_EXAMPLES=200 a route)
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-200} $(PYTEST) tests/pipeline/test_fuzz.py

attack: model ## hostile requests of every kind beside scans (REQUESTS=2000; the full run has 1000000; SEED=1)
	REQUESTS=$${REQUESTS:-2000} $(PYTEST) -s tests/attack

edits: model ## ten rounds of edits of 2,000 files end in the catalogue of a first scan (EDITS_SEED=1 EDITS_FILES=2000)
	EDITS_FILES=$${EDITS_FILES:-2000} $(PYTEST) -s tests/pipeline/edits

test-containers: $(VENV)/ready ## queues, retries, limits and recovery, the image's own root in containers (pytest-celery)
	@$(RECORD) $(BIN)/python -m image containers $(BIN)/python -m pytest -q -p no:cacheprovider tests/containers

molecule: molecule-default molecule-image ## the playbook on a minimal Debian, and the built image: booted, verified, ended

molecule-default: minimal
molecule-%: image
	@rm -f build/failed.txt
	$(WITH_PATH) $(RECORD) $(BIN)/molecule test -s $* || { [[ ! -e build/failed.txt ]] || tail -n 60 build/failed.txt; exit 1; }

test-image: molecule-image ## the built image alone

minimal: $(VENV)/ready
	@$(BIN)/python -m image minimal

test-server: $(VENV)/ready ## deploy/compose.yml by Docker Compose: the image for servers, a scan, a worker elsewhere
	@$(RECORD) $(BIN)/python -m image containers --of server $(BIN)/python -m pytest -q -p no:cacheprovider tests/server

container-image: $(VENV)/ready ## the container image for servers, in dist/, for this processor (PLATFORM=aarch64 for arm64)
	@$(BIN)/python -m image container-image $(if $(PLATFORM),--platform $(PLATFORM))

test-customised: image ## a card customised as Raspberry Pi Imager does it, booted
	$(PYTEST) tests/customised

test-artifacts: artifacts ## the image as a file, damaged in every way the checks know, and what goes out with it
	PROFILE=$(PROFILE) $(PYTEST) tests/artifacts

test-reproducible: $(VENV)/ready ## two builds from nothing, in other circumstances, are the same bit for bit (some 15 minutes, root)
	$(PYTEST) tests/reproducible

test-raspios: $(VENV)/ready ## the profile raspios, built against a stand-in for the Raspberry Pi archive (some 10 minutes, root)
	$(PYTEST) tests/raspios

test-raspi4b: image ## the same card on QEMU's Raspberry Pi 4, from its SD slot
	$(PYTEST) -s tests/raspi4b

test-power-cuts: image ## three power cuts in a first boot, a scan, and at rest; three while the boot partition is filled
	POWER_CUTS=3 $(PYTEST) -s tests/power_cuts

power-cuts: image ## many power cuts (CUTS=20 SEED=5 FROM=1), each losing some of the writes that were not flushed
	POWER_CUTS=$${CUTS:-20} POWER_CUTS_SEED=$${SEED:-5} POWER_CUTS_FROM=$${FROM:-1} $(PYTEST) -s tests/power_cuts

test-clients: model ## clients of OpenSubsonic that others publish, against a running stack; they come from PyPI, npm and Debian (Strawberry: root)
	$(PYTEST) tests/clients

faults: model ## kill, fill and silence each part at every stage: nothing is lost (some 15 minutes)
	$(PYTEST) tests/faults

bench: model ## the benchmarks of the application (docs/benchmarks.md), or one: bench-scan, bench-appliance …
	$(BIN)/python -m bench

bench-appliance: artifacts # its compressed size is one of the figures
bench-%: model
	$(BIN)/python -m bench.$* $(BENCH_OPTIONS)

audit: $(VENV)/ready ## known holes in what is shipped: SBOM= (default: the newest in dist/), ADVISORIES=folder with an export of osv.dev
	$(BIN)/python -m tools.audit $(if $(SBOM),--sbom $(SBOM)) $(if $(ADVISORIES),--advisories $(ADVISORIES))

docs-api: $(VENV)/ready ## write docs/api.md from the code
	$(BIN)/python docs/generate_api.py

# --quiet would hide the warnings from --strict.
docs: $(VENV)/ready ## the documentation site, in build/site; a broken link is an error
	@$(WITH_PATH) NO_MKDOCS_2_WARNING=1 $(RECORD) sh -c 'python -m mkdocs build --strict && python -m pytest -q tests/docs_site'

test-report: $(VENV)/ready ## put the results of the tests that ran here into docs/testing.md
	@$(BIN)/python -m tools.results report

lock: $(VENV)/ready ## pin again: requirements*.in to requirements*.lock, hashes and no index addresses
	for name in requirements requirements-dev requirements-bootstrap tests/clients/requirements; do \
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
