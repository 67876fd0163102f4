# The two commands are `make run` and `make test`; `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"$$/\1/p' statsapi/__init__.py)
SHARED := -n 3 --dist loadfile --no-loadscope-reorder
INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes
# What is locked comes from the registry, not from files of this machine, and the lock names no address.
LOCK := env -u PIP_FIND_LINKS -u PIP_EXTRA_INDEX_URL CUSTOM_COMPILE_COMMAND="make lock" \
  $(VENV)/bin/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe \
  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host
CLIENTS := $(basename $(wildcard tests/clients/python/*.in))
NAME_ONE = name one with: make $(MAKECMDGOALS) PYTHON=python3.12

.DEFAULT_GOAL := help
.PHONY: help run test lint coverage lock vendor bench clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10
	@printf '%s\n' '' '  Version $(VERSION)' \
	  '  Settings are variables: PORT=9000 VAR_DIR=/srv/stats make run (docs/settings.md has them all)' \
	  '  Some of the tests: make test ARGS="-k merge" (all that pytest takes)' \
	  '  Another Python, 3.11 or later: make run PYTHON=python3.13'

run: $(VENV)/ready ## start everything on 127.0.0.1:$PORT (default 8000) with demo data
	@$(PY) -m statsapi.start.local

test: $(VENV)/ready-dev ## all tests: SQLite and the embedded Valkey, then PostgreSQL and a Redis server
	@$(PY) -m tests $(SHARED) $(ARGS)

lint: $(VENV)/ready-dev ## ruff, ruff format --check, the walls between packages, dead code, mypy
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports --no-logo --no-cache
	$(VENV)/bin/vulture
	SECRET_KEY=lint $(VENV)/bin/mypy .

coverage: $(VENV)/ready-dev ## branch coverage of the first run of the tests, which has a floor
	@$(PY) -X dev -m pytest $(SHARED) --cov $(ARGS)

lock: $(VENV)/ready-dev ## pin and hash what requirements*.in and tests/clients/python/*.in need, into .txt files
	$(LOCK) $(ARGS) --output-file requirements.txt requirements.in
	$(LOCK) $(ARGS) --output-file requirements-dev.txt requirements-dev.in
	for each in $(CLIENTS); do $(LOCK) $(ARGS) --output-file $$each.txt $$each.in || exit 1; done

vendor: ## bring the script that draws charts (uPlot) from the npm registry, at the version that vendor/uplot.sh names
	@vendor/uplot.sh

bench: $(VENV)/ready-dev ## measure, each figure against its contender
	@$(PY) -m benchmarks

clean: ## remove what the commands made, but not the data in var/
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage*

$(VENV)/bin/python:
	@command -v "$(firstword $(PYTHON))" >/dev/null || \
	  { echo "$(or $(strip $(PYTHON)),PYTHON names nothing: it) is not found; $(NAME_ONE)"; exit 1; }
	@test "`$(PYTHON) -c 'print(6 * 7)'`" = 42 || \
	  { echo "$(PYTHON) is there, but it cannot run; mend it, or $(NAME_ONE)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed; $(NAME_ONE)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "Python cannot make virtual environments here; on Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/ready: requirements.txt | $(VENV)/bin/python
	@echo "Installing the requirements into $(VENV) (once, about a minute) …"
	@$(INSTALL) -r requirements.txt
	@touch $@

$(VENV)/ready-dev: requirements-dev.txt $(VENV)/ready
	@echo "Installing what tests and lint need into $(VENV) (once, about a minute) …"
	@$(INSTALL) -r requirements-dev.txt
	@touch $@
