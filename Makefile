.DEFAULT_GOAL := help
SHELL := /bin/bash

# The first interpreter that is new enough and can make virtual environments; PYTHON= overrides.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	>/dev/null 2>&1 && echo "$$p" && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST_ARGS ?= -n 3 --dist loadfile

.PHONY: help
help:  ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 to 3.13 with venv found; give PYTHON=/path/to/python" >&2; exit 1; }
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	@echo "Installing the locked packages into $(VENV) …" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: setup
setup: $(READY)  ## Make the virtual environment from the lock

.PHONY: demo
demo: $(READY)  ## Run the bundled strategies on real market data, save them, show them
	@$(BIN)/btstore demo

.PHONY: test
test: $(READY)  ## Run the tests
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

.PHONY: test-long
test-long: $(READY)  ## Run the tests with as many tries of each as are worth waiting for
	@TESTS_LONG=1 $(BIN)/python -m pytest --timeout 900 $(PYTEST_ARGS)

.PHONY: test-ray
test-ray:  ## Run grids on a real local Ray of several processes, in an environment of its own
	@$(MAKE) --no-print-directory setup VENV=.venv-ray
	@.venv-ray/bin/python -c "import ray" 2>/dev/null || \
		.venv-ray/bin/python -m pip install --quiet --disable-pip-version-check 'ray>=2.9'
	@.venv-ray/bin/python -m pytest -n 0 tests/runner/test_ray_cluster.py

# The oldest server that is supported, out of a package that carries its programs and little else.
OLDEST_SERVER := .servers/16/pgserver/pginstall/bin

$(OLDEST_SERVER): | $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target .servers/16 \
		--only-binary :all: --python-version 3.11 pgserver==0.1.4

.PHONY: test-faults
test-faults: $(READY) $(OLDEST_SERVER)  ## Kill, starve and cut off real servers and writers, and count
	@failed=0; for bindir in $(OLDEST_SERVER) ""; do \
		BTSTORE_PG_BINDIR=$${bindir:+$(CURDIR)/$$bindir} $(BIN)/python -m tests.faults $(FAULTS_ARGS) || failed=1; \
	done; exit $$failed

.PHONY: mutants
mutants: $(READY)  ## Put wrongs into copies of the tree, one each, and see the tests notice
	@$(BIN)/python -m tests.mutants $(MUTANTS_ARGS)

.PHONY: test-corpus
test-corpus: $(READY)  ## Compare scripts alone and under exec, byte by byte, on every Python set up here
	@failed=0; for venv in $(VENV) $(wildcard .venv-3.*); do \
		CORPUS=all $$venv/bin/python -m pytest $(PYTEST_ARGS) tests/corpus || failed=1; \
	done; exit $$failed

.PHONY: test-truth
test-truth: $(READY)  ## Hold 500 random runs (TRUTH_RUNS, TRUTH_SEED) to an oracle of their own, on every Python set up here
	@seed=$${TRUTH_SEED:-$$RANDOM}; failed=0; for venv in $(VENV) $(wildcard .venv-3.*); do \
		echo "$$venv: TRUTH_SEED=$$seed"; \
		TRUTH_SEED=$$seed TRUTH_RUNS=$${TRUTH_RUNS:-500} $$venv/bin/python -m pytest -q -n 2 tests/truth || failed=1; \
	done; exit $$failed

.PHONY: bench
bench: $(READY)  ## Measure against a store of BENCH_RUNS runs (1,000,000)
	@$(BIN)/python -m tests.bench

ENGINE_PYTHONS ?= 3.11 3.12 3.13

.PHONY: test-engines
test-engines:  ## Run the tests on every supported Python here, and so on every engine version
	@failed=0; for version in $(ENGINE_PYTHONS); do \
		python=$$(for p in python$$version $$HOME/.pyenv/versions/$$version.*/bin/python; do \
			"$$p" -c "import sys, venv, ensurepip; sys.exit('%d.%d' % sys.version_info[:2] != '$$version')" \
			>/dev/null 2>&1 && echo "$$p" && break; done); \
		if [ -z "$$python" ]; then echo "Python $$version: not found, not tested"; continue; fi; \
		$(MAKE) --no-print-directory setup PYTHON="$$python" VENV=.venv-$$version && \
		echo "Python $$version, $$(.venv-$$version/bin/pip freeze | grep -i nautilus):" && \
		$(MAKE) --no-print-directory test VENV=.venv-$$version || failed=1; \
	done; $(MAKE) --no-print-directory test-nautilus2 || failed=1; exit $$failed

SECOND_PYTHON ?= $(shell for p in python3.13 $$HOME/.pyenv/versions/3.13.*/bin/python; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 13))' \
	>/dev/null 2>&1 && echo "$$p" && break; done)

.PHONY: test-nautilus2
test-nautilus2:  ## Run what NautilusTrader 2.0 has a part in on its release candidate, in an environment of its own
	@if [ -z "$(SECOND_PYTHON)" ]; then echo "Python 3.13: not found, 2.0 not tested"; exit 0; fi; \
	$(MAKE) --no-print-directory setup PYTHON="$(SECOND_PYTHON)" VENV=.venv-2.0 && \
	{ [ .venv-2.0/.ready -nt pyproject.toml ] || { \
		.venv-2.0/bin/python -m pip install --quiet --disable-pip-version-check -e '.[nautilus2]' && \
		touch .venv-2.0/.ready; }; } && \
	.venv-2.0/bin/python -m pytest $(PYTEST_ARGS) tests/nautilus2 tests/engines tests/statistics tests/redaction

.PHONY: format
format: $(READY)  ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: lint
lint: $(READY)  ## Check format, lint rules, import directions and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports
	@$(BIN)/mypy

.venv-audit/bin/pip-audit: | $(READY)
	@$(BIN)/python -m venv .venv-audit
	@.venv-audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit

.PHONY: audit
audit: $(READY) .venv-audit/bin/pip-audit  ## Look for known vulnerabilities of the locked packages
	@$(BIN)/python -m tests.advisories .venv-audit/bin/pip-audit

.PHONY: docs
docs: $(READY)  ## Make what the documentation shows anew, and build the site
	@$(BIN)/python -m tests.docs
	@$(BIN)/python -m mkdocs build --strict

.PHONY: check
check: lint test  ## Everything that must be green before a commit

.PHONY: lock
lock:  ## Resolve the lock again (needs uv)
	@{ echo "# Exact versions for every supported Python. Made by \`make lock\`; do not edit."; \
	uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
	--extra nautilus --group dev pyproject.toml; } > requirements.lock.new
	@mv requirements.lock.new requirements.lock

.PHONY: clean
clean:  ## Remove what set-up, tests and builds left
	@rm -rf .venv* .servers .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .bench site dist build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
