# `make demo` and `make test` need python3 (3.11 or newer, with venv) and make, nothing else.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
TESTED := $(VENV)/.ready-for-tests
WRITES := $(VENV)/.ready-for-docs
LOWEST := $(VENV)-lowest/.ready
# Modules are compiled as they are first imported: most of what is installed never is.
INSTALL = -m pip install --quiet --disable-pip-version-check --no-compile
# All of them, or those asked for: make lowest TESTS=tests/models
TESTS   =
# Three workers for two processors: many tests wait for a browser or for processes that they start.
PYTEST  = -m pytest -n 3 --dist worksteal $(TESTS)

# Programs that a test starts find their modules compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test coverage lint types check docs lowest clean

demo: $(READY)
	@$(BIN)/eventstudy demo --out eventstudy-demo

# make test COVER=1 counts the lines and branches that tests run, in their own processes and in those
# that they start, and fails below 95%.
COVERED = --cov=eventstudy --cov-branch --cov-report= --cov-report=term:skip-covered --cov-fail-under=95

test: $(TESTED)
	@$(BIN)/python $(PYTEST) $(if $(COVER),$(COVERED))

coverage:
	@$(MAKE) --no-print-directory test COVER=1

lint: $(TESTED)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/bandit --quiet --recursive eventstudy strategies

types: $(TESTED)
	@$(BIN)/mypy

check: lint types test

docs: $(WRITES)
	@$(BIN)/python -m sphinx -W --keep-going -n -E -q -b html -d docs/_build/doctrees docs docs/_build/html
	@$(BIN)/python docs/_check/site.py docs/_build/html

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is not there: install Python 3.11 or newer, or say make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: Python 3.11 or newer is needed, and $(PYTHON) is $$($(PYTHON) -V 2>&1); say make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "make: $(PYTHON) lacks venv: install it (on Debian the package python3-venv)"; exit 1; }
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(READY): pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing (a minute or two the first time)"
	@$(BIN)/python $(INSTALL) --constraint constraints.txt --editable .
	@touch $@

$(TESTED): pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing with the tools for tests (a minute or two the first time)"
	@$(BIN)/python $(INSTALL) --constraint constraints.txt --editable '.[test,dev]'
	@touch $@ $(READY)

$(WRITES): pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing with the tools for the documentation (a minute or two the first time)"
	@$(BIN)/python $(INSTALL) --constraint constraints.txt --editable '.[docs]'
	@touch $@ $(READY)

$(LOWEST): pyproject.toml benchmarks/lowest_versions.py | $(VENV)/bin/python
	@echo "installing the lowest versions that pyproject.toml allows"
	@$(PYTHON) -m venv $(VENV)-lowest
	@$(BIN)/python benchmarks/lowest_versions.py > $(VENV)-lowest/pins.txt
	@$(VENV)-lowest/bin/python $(INSTALL) --requirement $(VENV)-lowest/pins.txt
	@$(VENV)-lowest/bin/python $(INSTALL) --no-deps --editable .
	@touch $@

lowest: $(LOWEST)
	@$(VENV)-lowest/bin/python $(PYTEST) $(if $(COVER),$(COVERED))

clean:
	rm -rf $(VENV) $(VENV)-lowest eventstudy-demo eventstudy-out docs/_build docs/api .pytest_cache .mypy_cache .ruff_cache
