# `make demo` shows the engine at work; `make test` runs the tests. Both set up .venv by themselves.

VENV   ?= .venv
BIN     = $(CURDIR)/$(VENV)/bin
ENGINE  = $(BIN)/engine
SHOP    = examples/tmall_store
BRAND   = examples/omnichannel

# The first Python from 3.11 on that works and can make a virtual environment.
PYTHON ?= $(shell for one in python3.13 python3.12 python3.11 python3; do \
	$$one -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$one && break; done)

.PHONY: help demo demo-omnichannel test test-slow lint docs docs-check clean
.DEFAULT_GOAL := help

help:
	@echo 'make demo              run the example: orders of a made-up shop, from export to figures'
	@echo 'make demo-omnichannel  four channels: two simulated platforms, exports and a database'
	@echo 'make test              run the tests, but for the slow ones'
	@echo 'make test-slow         run the slow tests'
	@echo 'make lint              check style, format and types'
	@echo 'make docs              make anew what the documentation takes from the code'
	@echo 'make docs-check        check that the documentation says what the code does'
	@echo 'make clean             remove what these made, but for $(VENV)'

demo: $(VENV)/.installed
	@echo '==> the order exports of a made-up shop on Tmall'
	@cd $(SHOP) && $(BIN)/python generate.py
	@echo '==> engine apply'
	@cd $(SHOP) && $(ENGINE) apply --quiet
	@echo '==> engine query pay_amt pay_orders aov order_refund_rate_amt --by time.month'
	@cd $(SHOP) && $(ENGINE) query pay_amt pay_orders aov order_refund_rate_amt --by time.month
	@echo '==> engine query pay_amt pay_orders aov --by province --order -pay_amt --limit 5'
	@cd $(SHOP) && $(ENGINE) query pay_amt pay_orders aov --by province --order -pay_amt --limit 5
	@echo
	@echo 'Go on in $(SHOP), with . $(VENV)/bin/activate; docs/tutorial.md leads from an empty folder to a figure.'

demo-omnichannel: $(VENV)/.installed
	@cd $(BRAND) && $(BIN)/python run.py
	@echo
	@echo 'Go on in $(BRAND), with . $(VENV)/bin/activate; its README.md says what there is to see.'

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m 'not slow' -n auto --dist loadfile

test-slow: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m slow -n auto --dist loadfile

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.installed-dev
	$(BIN)/python docs/generate.py

docs-check: $(VENV)/.installed-dev
	$(BIN)/python docs/generate.py --check

clean:
	rm -rf $(SHOP)/data $(SHOP)/build $(BRAND)/data $(BRAND)/build dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@test -n '$(PYTHON)' || { echo 'no Python from 3.11 on with the module venv was found; name one: make PYTHON=/path/to/python3.12' >&2; exit 1; }
	@echo '==> making $(VENV) with $(PYTHON)'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	@echo '==> installing the engine and what it needs into $(VENV)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	@echo '==> installing the engine and what its tests need into $(VENV)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.installed
