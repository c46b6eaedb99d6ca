# The commands of the README. All of them run in .venv, which is made once from requirements.lock and reused.
# The paths are relative, so that a folder whose name has spaces works too.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo demo-label test test-all test-lowest test-label-studio check docs pictures data bench peers environment clean

PYTHON ?=
ARGS ?=
TORCH ?= $(shell sed -n 's/^torch==//p' requirements-lowest.lock)
LOWEST_TESTS ?= tests/information tests/pools tests/apps tests/study/config/test_study_files_read.py tests/session
BIN := .venv/bin
LOCKED := .venv/.has-what-is-locked
STAMP := .venv/.has-lindley
PEERS := .venv-peers/.has-peers
IN_PARALLEL := --numprocesses auto --dist loadfile
SUITABLE := import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo '  PYTHON=python3.12    the Python to make .venv with (otherwise the first of 3.11 to 3.14 that is found)'
	@echo '  TORCH=2.13.0         test-lowest with this torch (the lowest is gigabytes of CUDA on Linux; so .ci/run takes another)'
	@echo '  ARGS="-k batchbald"  more arguments for the command that demo, demo-label, test, data or bench runs'

demo: $(STAMP) ## See it work: the main job on data in the box, then a report (minutes)
	@$(BIN)/lindley run demo $(ARGS)

demo-label: $(STAMP) ## Label 300 of 5,000 questions by a simulated person, beside random choice (minutes)
	@$(BIN)/python examples/demo_label.py $(ARGS)

test: $(STAMP) ## Run all tests
	@$(BIN)/python -m pytest $(IN_PARALLEL) $(ARGS)

test-all: $(STAMP) ## Run all tests, with ten times as many damaged files
	@LINDLEY_FUZZ=2000 $(BIN)/python -m pytest $(IN_PARALLEL) $(ARGS)

test-lowest: ## Run the fast tests with the lowest versions that pyproject.toml allows, in .venv-lowest
	@$(MAKE) --no-print-directory $(STAMP)
	@$(BIN)/python -m venv --clear .venv-lowest
	@sed '/^torch==/d' requirements-lowest.lock > .venv-lowest/others.txt
	@.venv-lowest/bin/python -m pip install --disable-pip-version-check --quiet "torch==$(TORCH)"
	@.venv-lowest/bin/python -m pip install --disable-pip-version-check --quiet -r .venv-lowest/others.txt
	@.venv-lowest/bin/python -m pip install --disable-pip-version-check --quiet --no-deps .
	@.venv-lowest/bin/python -W ignore -m pytest -W default::DeprecationWarning $(LOWEST_TESTS) $(ARGS)

test-label-studio: $(STAMP) ## Test with a real Label Studio, which is installed in .venv-label-studio (1 GB, minutes)
	@test -x .venv-label-studio/bin/label-studio || { $(BIN)/python -m venv --clear .venv-label-studio && \
	    .venv-label-studio/bin/python -m pip install --disable-pip-version-check --quiet label-studio==1.23.2; }
	@LINDLEY_LABEL_STUDIO=$(CURDIR)/.venv-label-studio/bin/label-studio \
	    $(BIN)/python -m pytest tests/labelling/label_studio/test_real_server.py $(ARGS)

check: $(STAMP) ## Check without running: format, lint, types, import rules
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m mypy
	@$(BIN)/lint-imports --no-cache

docs: $(STAMP) ## Build the documentation; a warning is an error
	@rm -rf docs/generated  # pages of modules that have moved would be warned of
	@MPLBACKEND=Agg $(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo docs/_build/html/index.html

pictures: $(STAMP) ## Renew the pictures of the tutorial and the film of the README (needs Chromium)
	@LINDLEY_PICTURES=docs/images $(BIN)/python -m pytest tests/browser/test_tutorial.py $(ARGS)

data: $(STAMP) ## Fetch the data sets that are not in the box (MNIST, Fashion-MNIST)
	@$(BIN)/lindley data mnist $(ARGS)
	@$(BIN)/lindley data fashion-mnist $(ARGS)

bench: $(STAMP) $(PEERS) ## Measure speed, memory and worth of batches beside other libraries (three hours)
	@$(BIN)/python benchmarks/run_all.py $(ARGS)

peers: $(PEERS) ## Make .venv-peers, the libraries that bench compares with, as bench does by itself

environment: $(STAMP) ## Make .venv from the lock, as the other commands do by themselves

clean: ## Remove .venv, caches and built documentation; results in runs/ stay
	rm -rf .venv .venv-peers .venv-lowest .venv-label-studio .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	rm -rf docs/_build docs/auto_examples docs/generated docs/sg_execution_times.rst
	find src tests examples docs -name __pycache__ -type d -prune -exec rm -rf {} +

$(PEERS): benchmarks/peers/requirements.txt | $(STAMP)
	@$(BIN)/python -m venv --clear .venv-peers
	@.venv-peers/bin/python -m pip install --disable-pip-version-check -c requirements.lock \
	    torch numpy scipy scikit-learn matplotlib
	@.venv-peers/bin/python -m pip install --disable-pip-version-check --no-deps -r benchmarks/peers/requirements.txt
	@touch $(PEERS)

$(LOCKED): requirements.lock requirements-no-deps.lock requirements-sinks.lock
	@if ! { $(BIN)/python -c '$(SUITABLE)' && $(BIN)/python -m pip --version; } >/dev/null 2>&1; then \
	    if [ -n "$(PYTHON)" ]; then set -- "$(PYTHON)"; \
	    else set -- python3 python3.13 python3.12 python3.11 python3.14; fi; \
	    found=; \
	    for candidate; do \
	        if "$$candidate" -c '$(SUITABLE)' 2>/dev/null; then found="$$candidate"; break; fi; \
	    done; \
	    if [ -z "$$found" ]; then \
	        echo "lindley needs Python 3.11 to 3.14 with its venv module; tried: $$*." >&2; \
	        echo "Install one (Debian and Ubuntu: apt install python3-venv; macOS: brew install python@3.12)" >&2; \
	        echo "or name it: make PYTHON=/path/to/python3.12 ..." >&2; \
	        exit 1; \
	    fi; \
	    echo "Making .venv with $$("$$found" --version)"; \
	    "$$found" -m venv --clear .venv || exit 1; \
	fi
	@$(BIN)/python -m pip install --disable-pip-version-check -r requirements.lock -r requirements-sinks.lock
	@$(BIN)/python -m pip install --disable-pip-version-check --no-deps -r requirements-no-deps.lock
	@touch $(LOCKED)

$(STAMP): $(LOCKED) pyproject.toml
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $(STAMP)
