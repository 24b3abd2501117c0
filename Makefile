# Plain commands behind short names. A machine needs Python 3.11 or newer and make; no Redis.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: help run demo test test-long test-nightly check docs reference captures bench clean
.DEFAULT_GOAL := help

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

run: .venv/runtime ## start the venue: Redis, gateway, market data (ARGS=--help shows more)
	$(BIN)/python -P -m tapewire up $(ARGS)

demo: .venv/runtime ## the same with a small crowd of traders, so that prices move
	$(BIN)/python -P -m tapewire up --demo $(ARGS)

NIGHTLY_TESTS := tests/property tests/e2e/test_openapi_fuzz.py tests/e2e/test_openapi_fuzz_keys.py \
  tests/e2e/test_real_data.py tests/e2e/test_binance_books.py tests/integration/test_journal.py \
  tests/real_data/test_cme_orders.py

# Tests of one file stay with one worker, in the order of tests/conftest.py: long files first.
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

# Tests start many processes: each module is compiled once, whatever the environment says.
test test-long: export PYTHONDONTWRITEBYTECODE :=

test: .venv/installed ## run every test against a real Redis, which the tests start themselves
	$(PYTEST) --durations=10 $(ARGS)
	@if [ -z "$(ARGS)" ] && command -v redis-server > /dev/null; then \
	  echo "The integration tests again, on $$(command -v redis-server)"; \
	  $(PYTEST) --server=path tests/integration; fi

test-long: .venv/installed ## search fifty times longer at random, replay whole recordings
	HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest $(NIGHTLY_TESTS) $(ARGS)

test-nightly: ## what takes too long for every change: test-long, test-clients
	@status=0; for goal in test-long test-clients; do \
	  $(MAKE) --no-print-directory $$goal || status=1; done; exit $$status

check: .venv/installed ## formatting, lint, types, house rules, the documents' links
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_tidy.py tests/test_structure.py
	@if command -v npm > /dev/null; then $(MAKE) --no-print-directory page-types; \
	  else echo "There is no npm here: the types of the pages are not checked"; fi
	$(MAKE) --no-print-directory docs

docs: .venv/docs ## build the documents as a site in build/docs, links checked
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet $(ARGS)
	@echo "Open build/docs/index.html"

reference: .venv/installed ## write docs/reference from the code
	$(BIN)/python -m tests.support.house.reference

captures: .venv/installed ## write the terminal captures of the documents, from a venue made for it
	$(BIN)/python -m tests.support.house.captures > /dev/null && echo "The captures were written"

bench: .venv/installed ## measure an order's way from POST to a WebSocket
	$(BIN)/python -m benchmarks.order_to_socket $(ARGS)

clean: ## remove .venv and caches; the venue's data in .tapewire stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find shared order-gateway market-data tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

# Stamps: each is made again only when what is wanted changed. Running needs no development tools.
GOAL := $(or $(firstword $(MAKECMDGOALS)),run)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
FAILED := { echo "The packages could not be installed; the reason is above"; exit 1; }

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Tapewire needs Python 3.11 or newer, and '$(PYTHON)' is not;" \
	    "try: make $(GOAL) PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/python || { echo "Creating .venv"; $(PYTHON) -m venv .venv; } || { \
	  rm -rf .venv; echo "This Python cannot make a virtual environment;" \
	    "on Debian and Ubuntu install the package python3-venv"; exit 1; }
	@touch $@

.venv/runtime: .venv/made pyproject.toml constraints.txt
	@echo "Installing Tapewire into .venv (once; one to three minutes)"
	@$(INSTALL) -e . || $(FAILED)
	@touch $@

.venv/installed: .venv/made pyproject.toml constraints.txt
	@echo "Installing Tapewire and development tools into .venv (once; one to three minutes)"
	@$(INSTALL) -e ".[dev]" || $(FAILED)
	@touch .venv/runtime $@

.venv/docs: .venv/runtime
	@echo "Installing what the site is built with into .venv"
	@$(INSTALL) -e ".[docs]" || $(FAILED)
	@touch $@

# Clients of Binance have dependencies of their own, which disagree: an environment for each extra.
# One that cannot be installed is left out, and its tests fail.
CLIENTS := clients clients-freqtrade clients-nautilus
CLIENT_VERSIONS := tests/support/binance_clients
CLIENT_PACKAGES := import sys, tomllib; file = open("pyproject.toml", "rb"); \
  print(*tomllib.load(file)["project"]["optional-dependencies"][sys.argv[1]], sep="\n")
CLIENT_PYTHON = $(or $(shell for name in python3.13 python3.12; do \
  $$name -c "" 2> /dev/null && echo $$name && break; done),$(PYTHON))

CLIENTS_INSTALLED := $(CLIENTS:%=.venv/%/installed)

.PHONY: test-clients
test-clients: .venv/installed $(CLIENTS_INSTALLED) ## drive Binance clients against a venue
	CLIENTS_REQUIRED=1 $(BIN)/python -m pytest -q tests/e2e/test_binance_clients.py $(ARGS)

$(CLIENTS_INSTALLED): .venv/%/installed: .venv/made pyproject.toml $(CLIENT_VERSIONS)/%.txt
	@rm -f $@; echo "Installing the extra $* into .venv/$*"
	@mkdir -p .venv/$*; $(BIN)/python -c '$(CLIENT_PACKAGES)' $* > .venv/$*/requirements.txt
	@if { test -x .venv/$*/bin/python || $(CLIENT_PYTHON) -m venv .venv/$*; } && \
	  .venv/$*/bin/python -m pip install --quiet --disable-pip-version-check \
	  -c $(CLIENT_VERSIONS)/$*.txt -r .venv/$*/requirements.txt; then touch $@; \
	  else echo "The extra $* could not be installed; the reason is above"; fi

.PHONY: bench-feed
bench-feed: .venv/installed ## measure deliveries per second beside other WebSocket feeds
	$(BIN)/python -m benchmarks.feed $(ARGS)

.PHONY: bench-orders
bench-orders: .venv/installed ## measure orders per second over REST, batches and WebSocket
	$(BIN)/python -m benchmarks.orders $(ARGS)

# What the pages are checked and tested with, and the types of their libraries.
PAGE := order-gateway/src/order_gateway/page
NPM_PACKAGES := .venv/npm

.PHONY: page-types page-libraries page-pictures bench-page
page-pictures: .venv/installed ## take the pictures of the documents again (needs Chromium)
	PAGE_PICTURES=1 $(BIN)/python -m pytest -q tests/e2e/test_page_pictures.py

bench-page: .venv/installed ## measure the trading page under 5,000 messages a second for 30 s
	PAGE_SPEED_S=30 $(BIN)/python -m pytest -q -s tests/e2e/test_page_speed.py

page-types: $(NPM_PACKAGES)/installed ## check the types of the pages (needs npm)
	@if [ -d $(NPM_PACKAGES)/node_modules/typescript ]; then \
	  $(NPM_PACKAGES)/node_modules/.bin/tsc -p $(PAGE)/jsconfig.json; fi

page-libraries: .venv/installed ## fetch the listed versions of the pages' libraries (needs npm)
	$(BIN)/python -m tests.support.page.libraries update

$(NPM_PACKAGES)/installed: .venv/installed $(PAGE)/static/lib/libraries.json
	@mkdir -p $(NPM_PACKAGES)
	@echo "Installing the type checker of the pages into $(NPM_PACKAGES)"
	@if npm install --silent --no-audit --no-fund --no-save --prefix $(NPM_PACKAGES) \
	  $$($(BIN)/python -m tests.support.page.libraries packages); then touch $@; \
	  else echo "npm could not fetch it: the types of the pages are not checked"; fi
