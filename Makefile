# Needs make, Python 3.11 or newer with venv, and a package index. Everything else is created here.
.DEFAULT_GOAL := help
.PHONY: help setup up test test-fast test-browser format bench chaos lock clean
.PHONY: check check-lint check-format check-types check-imports check-system check-migrations
VENV := .venv
PY := $(VENV)/bin/python
# Tests run side by side, each worker with a database and a VAR_DIR of its own. ARGS=-n0 runs all in one process.
SIDE_BY_SIDE := -n auto --maxprocesses 4 --dist worksteal

help:  ## Show what there is to make
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'

setup: $(VENV)/.installed-dev  ## Create .venv with runtime and development dependencies

up: $(VENV)/.installed  ## Migrate, make the demo company on first start, then run web server and worker
	@$(PY) manage.py up

test: $(VENV)/.installed-dev  ## Run every test that needs no browser
	@$(PY) -m pytest -m "not browser" $(SIDE_BY_SIDE) $(ARGS)

test-fast: $(VENV)/.installed-dev  ## Run the tests that start no processes
	@$(PY) -m pytest -m "not browser and not slow" $(SIDE_BY_SIDE) $(ARGS)

test-browser: $(VENV)/.installed-dev  ## Run the browser tests (needs Chromium)
	@$(PY) -m pytest -m browser $(SIDE_BY_SIDE) $(ARGS)

check: check-lint check-format check-types check-imports check-system check-migrations  ## Lint, formatting, types, import contract, system checks, missing migrations

check-lint: $(VENV)/.installed-dev
	@$(PY) -m ruff check .

check-format: $(VENV)/.installed-dev
	@$(PY) -m ruff format --check .

check-types: $(VENV)/.installed-dev
	@$(PY) -m mypy

check-imports: $(VENV)/.installed-dev
	@$(VENV)/bin/lint-imports --no-logo

check-system: $(VENV)/.installed-dev
	@DJANGO_SETTINGS_MODULE=tests.settings $(PY) manage.py check --fail-level WARNING

check-migrations: $(VENV)/.installed-dev
	@DJANGO_SETTINGS_MODULE=tests.settings $(PY) manage.py makemigrations --check --dry-run

format: $(VENV)/.installed-dev  ## Format and repair what can be repaired
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bench: $(VENV)/.installed-bench  ## Measure beside procrastinate, django-q2 and Celery, and what becomes of it when it grows
	@$(PY) -m bench $(ARGS)

chaos: $(VENV)/.installed-dev  ## Break workers and databases in every way known, and check that nothing is lost
	@$(PY) -m chaos $(ARGS)

lock:  ## Compile requirements*.txt anew from pyproject.toml
	@./scripts/lock

$(VENV)/.installed: requirements.txt scripts/install
	@./scripts/install $(VENV) requirements.txt $@

$(VENV)/.installed-dev: requirements-dev.txt scripts/install
	@./scripts/install $(VENV) requirements-dev.txt $@

$(VENV)/.installed-bench: requirements-bench.txt scripts/install
	@./scripts/install $(VENV) requirements-bench.txt $@

clean:  ## Remove caches (keeps .venv and var)
	@rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
