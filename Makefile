# What people run. `make` alone lists it.

PYTHON ?= python3
PORT ?= 8000
HOST ?= 127.0.0.1
SECONDS ?= 600

BIN := .venv/bin
MANAGE := $(BIN)/python manage.py
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
# The settings with which the lint checks what a production server would have. Placeholders only.
EXAMPLE := PRODUCTION=true SECRET_KEY=an-example-of-fifty-or-more-characters-0123456789-abcdefghij \
	VARIABLES_KEY=another-example-of-fifty-or-more-characters-0123456789 \
	ALLOWED_HOSTS=octoserver.example.com

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test test-browser screenshots chaos lint messages bench-gate bench-queue bench-pages lock clean

help:
	@echo "make run [PORT=8000]   start the whole server here; Ctrl-C stops it"
	@echo "make test [ARGS=...]   run the tests, with more arguments for pytest if wanted"
	@echo "make test-browser [ARGS=...]   run the tests in a browser alone; they need chromium"
	@echo "make screenshots       make the pictures of docs/images anew, with chromium"
	@echo "make chaos [SECONDS=600] [SEED=n]   let everything die at random while tasks run"
	@echo "make lint              check style, types, migrations and the production settings"
	@echo "make bench-gate [ARGS=--quick]   measure the gate: does it hold, what does it cost"
	@echo "make bench-queue [ARGS=--quick]  measure the queue beside Celery and procrastinate"
	@echo "make bench-pages [ARGS=--quick]  measure the pages and the claim with a million tasks"
	@echo "make messages          collect the texts to translate, and compile the translations"
	@echo "make setup             only set up, into .venv"
	@echo "make lock              choose the newest allowed dependencies anew and lock them"

setup: .venv/.runtime
setup-dev: .venv/.dev

.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Octoserver needs Python 3.11 or later, and '$(PYTHON)' is not that:" \
			"name another, as in 'make $(MAKECMDGOALS) PYTHON=python3.12'." >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { \
		echo "'$(PYTHON)' cannot make a virtual environment:" \
			"on Debian and Ubuntu install python3-venv." >&2; exit 1; }
	@touch $@

.venv/.runtime: requirements.txt .venv/.python
	@echo "Installing what the server needs into .venv"
	@$(PIP) install --quiet --require-hashes --requirement requirements.txt
	@touch $@

# After the runtime's, for two installations into one place at a time would disturb each other.
.venv/.dev: requirements-dev.txt .venv/.runtime
	@echo "Installing what the tests need into .venv"
	@$(PIP) install --quiet --require-hashes --requirement requirements-dev.txt
	@touch $@

.venv/.bench: requirements-bench.txt .venv/.runtime
	@echo "Installing what the benchmarks compare with into .venv"
	@$(PIP) install --quiet --require-hashes --requirement requirements-bench.txt
	@touch $@

run: setup
	@$(MANAGE) migrate --no-input --verbosity 0
	@$(MANAGE) collectstatic --no-input --verbosity 0
	@$(MANAGE) first_start
	@exec $(MANAGE) run --bind $(HOST):$(PORT)

test: setup-dev
	@exec $(BIN)/python -m pytest $(ARGS)

test-browser: setup-dev
	@exec $(BIN)/python -m pytest tests/browser $(ARGS)

screenshots: setup-dev
	@exec $(BIN)/python -m tests.browser.screenshots $(ARGS)

chaos: setup-dev
	@exec $(BIN)/python -m tests.integration.chaos --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

# xgettext and msgmerge are in the package gettext of Debian, Ubuntu, Homebrew and others.
messages: setup-dev
	@command -v xgettext >/dev/null && command -v msgmerge >/dev/null || { \
		echo "There is no xgettext here: install the package gettext." >&2; exit 1; }
	@exec $(BIN)/python -m tests.messages

lint: setup-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy maintenance tasks octoserver
	$(MANAGE) makemigrations --check --dry-run
	$(EXAMPLE) $(MANAGE) check --deploy --fail-level WARNING

bench-gate: .venv/.bench
	@exec $(BIN)/python -m tests.benchmarks.gate $(ARGS)

bench-queue: .venv/.bench
	@exec $(BIN)/python -m tests.benchmarks.queue $(ARGS)

bench-pages: setup-dev
	@exec $(BIN)/python -m tests.benchmarks.pages $(ARGS)

# By uv, which resolves for every platform and Python from 3.11 on at once; needed for nothing else.
COMPILE = .venv/uv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-header --no-emit-index-url

lock: .venv/.python
	@test -x .venv/uv/bin/uv || { $(BIN)/python -m venv .venv/uv && .venv/uv/bin/pip install -q uv; }
	$(COMPILE) --output-file requirements.txt pyproject.toml
	$(COMPILE) --constraint requirements.txt --group dev --output-file requirements-dev.txt pyproject.toml
	$(COMPILE) --constraint requirements.txt --constraint requirements-dev.txt --group bench \
		--output-file requirements-bench.txt pyproject.toml

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
