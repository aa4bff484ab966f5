# Everything runs in an environment of its own in .venv; nothing else on the machine is touched.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help run test lint bench dashboard clean

help:
	@echo "make run        report of a reference site over an embedded weather year"
	@echo "make test       lint, types, layers and all tests"
	@echo "make bench      measured speed and memory"
	@echo "make dashboard  the what-if dashboard on http://127.0.0.1:8050"

run: .venv/.run
	@$(BIN)/twin run gb300-10mw

test: .venv/.test lint
	$(BIN)/python -m pytest -n auto --dist loadfile

lint: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.test
	$(BIN)/python -m pytest -m bench -s

dashboard: .venv/.dashboard
	$(BIN)/twin dashboard

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Python 3.11 or newer is needed as '$(PYTHON)'. On Debian: apt install python3. Another one: make PYTHON=/path/to/python3"; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "Python's venv module is missing. On Debian: apt install python3-venv"; exit 2; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "The environment could not be made; see the message above."; exit 2; }
	@$(BIN)/python -m pip install -q -U pip || { rm -rf .venv; echo "pip could not reach a package index."; exit 2; }

.venv/.run: .venv/bin/python pyproject.toml
	@echo "Installing into .venv (once) …"
	@$(BIN)/python -m pip install -q -e .
	@touch $@

.venv/.dashboard: .venv/bin/python pyproject.toml
	@echo "Installing into .venv (once) …"
	@$(BIN)/python -m pip install -q -e ".[dashboard]"
	@touch $@

.venv/.test: .venv/bin/python pyproject.toml
	@echo "Installing into .venv (once) …"
	@$(BIN)/python -m pip install -q -e ".[dashboard,study,live,size,fast]" --group test --group lint
	@touch $@ .venv/.run .venv/.dashboard

clean:
	rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
