# Targets of docs/contract.md 1. A fresh machine needs python3 (3.11 or newer) and make, nothing else.
.PHONY: demo check lint tests unit bench fidelity bugs load setup js clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Most tests wait for something: three at once keep two cores busy.
AT_ONCE := -n 3 --dist loadfile
JS_READY := tests/js/node_modules/.ready

demo: $(READY)
	$(BIN)/harness run full_flow --pace 30

check: lint tests

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

tests: $(READY) $(JS_READY)
	$(BIN)/pytest $(AT_ONCE)

unit: $(READY)
	$(BIN)/pytest $(AT_ONCE) tests/unit tests/properties tests/mutants tests/test_architecture.py

bench: $(READY)
	$(BIN)/python -m bench

fidelity: $(READY)
	$(BIN)/harness fidelity $(FIDELITY)

bugs: $(READY)
	$(BIN)/harness bugs $(BUGS)

load: $(READY)
	$(BIN)/python -m load $(LOAD)

setup: $(READY) $(JS_READY)

# uv is five times as fast as pip; where it has no wheel, pip reads the same lock.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { echo "this Python cannot make virtual environments: apt install python3-venv" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@if $(BIN)/pip install -q --disable-pip-version-check uv; then \
	  $(BIN)/uv pip install -q --python $(BIN)/python -r requirements.lock -e .; \
	else $(BIN)/pip install -q --disable-pip-version-check -r requirements.lock -e .; fi
	@touch $@

# The official JavaScript client, for the tests that use it; without Node they skip and say so.
$(JS_READY): tests/js/package-lock.json
	@if command -v npm >/dev/null; then cd tests/js && npm ci --silent --no-audit --no-fund && touch node_modules/.ready; \
	else echo "no npm: the tests with the official JavaScript client will be skipped" >&2; fi

clean:
	rm -rf $(VENV) tests/js/node_modules runs .mypy_cache .ruff_cache .pytest_cache .hypothesis
