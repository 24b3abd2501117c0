# Plain commands behind short names. A machine needs Python 3.11 or newer and make; no Redis.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: help run demo test test-nightly check bench clean
.DEFAULT_GOAL := help

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

run: .venv/installed ## start the venue: Redis, gateway, market data (ARGS=--help shows more)
	$(BIN)/python -P -m tapewire up $(ARGS)

demo: .venv/installed ## the same with a small crowd of traders, so that prices move
	$(BIN)/python -P -m tapewire up --demo $(ARGS)

RANDOM_TESTS := tests/property tests/e2e/test_openapi_fuzz.py

# Tests of one file stay with one worker, in the order of tests/conftest.py: long files first.
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

test: .venv/installed ## run every test against a real Redis, which the tests start themselves
	$(PYTEST) --durations=10 $(ARGS)
	@if [ -z "$(ARGS)" ] && command -v redis-server > /dev/null; then \
	  echo "The integration tests again, on $$(command -v redis-server)"; \
	  $(PYTEST) --server=path tests/integration; fi

test-nightly: .venv/installed ## let the tests with random input search twenty times longer
	HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest $(RANDOM_TESTS) $(ARGS)

check: .venv/installed ## formatting, lint, types, house rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_tidy.py tests/test_structure.py

bench: .venv/installed ## measure an order's way from POST to a WebSocket
	$(BIN)/python -m benchmarks.order_to_socket $(ARGS)

clean: ## remove .venv and caches; the venue's data in .tapewire stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find shared order-gateway market-data tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

# Installs again only when what is wanted changed.
.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Tapewire needs Python 3.11 or newer, and '$(PYTHON)' is not;" \
	    "try: make PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/python || { echo "Creating .venv"; $(PYTHON) -m venv .venv; } || { \
	  rm -rf .venv; echo "This Python cannot make a virtual environment;" \
	    "on Debian and Ubuntu install the package python3-venv"; exit 1; }
	@echo "Installing Tapewire and its tools into .venv (once; it takes a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]" \
	  || { echo "The packages could not be installed; the reason is above"; exit 1; }
	@touch $@

.PHONY: bench-feed
bench-feed: .venv/installed ## measure deliveries per second beside other WebSocket feeds
	$(BIN)/python -m benchmarks.feed $(ARGS)

.PHONY: bench-orders
bench-orders: .venv/installed ## measure orders per second over REST, batches and WebSocket
	$(BIN)/python -m benchmarks.orders $(ARGS)
