# Two commands for a newcomer: `make repro` runs the pipeline, `make test` checks the code. Both set up .venv first.
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(abspath $(VENV))/bin
READY := $(VENV)/.ready
# Tests write tens of thousands of small files, which takes a third of their time on a slow disk: in memory, where there is room
roomy = $(shell test "0$$(df --output=avail --block-size=1G /dev/shm 2> /dev/null | tail -n 1 | tr -d ' ')" -ge $(1) && echo /dev/shm || echo "$${TMPDIR:-/tmp}")
FILES_IN = $(call roomy,4)
# Two processes on two cores: threads of theirs would only wait for each other
PYTEST = PYTEST_DEBUG_TEMPROOT=$(FILES_IN) OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PATH="$(BIN):$$PATH" pytest -q --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
MARKED := pipeline or statistical or render or browser or networks or server or references
LONG := commands

# Bytecode is kept even where the environment says otherwise: tests and stages start hundreds of processes
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help repro verify record test test-all test-rest test-commands everyday lint site offline-plots constraints clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

repro: $(READY) ## Run the pipeline: dvc repro
	$(BIN)/python .ci/lock.py
	PATH="$(BIN):$$PATH" dvc repro
	@$(BIN)/python .ci/baseline.py

verify: $(READY) ## Whether outputs and DVC's cache are what dvc.lock says, byte by byte (docs/predicting.md)
	$(BIN)/python .ci/verify.py

record: $(READY) ## After an edit of code that leaves every result as it is: a new dvc.lock without a run (docs/experiments.md)
	$(BIN)/python .ci/record.py

test: $(READY) ## Lint, types and the everyday tests, side by side
	$(MAKE) --jobs 2 lint everyday

test-all: test test-rest ## The same, then those that run the pipeline or a browser, make many draws, render much or wait for librosa

test-rest test-commands: FILES_IN = $(call roomy,16)
test-rest: $(READY) ## Only these
	$(PYTEST) -m "($(MARKED)) and not $(LONG)"

test-commands: $(READY) ## Every command that the pages show, run in order in small clones: about half an hour
	$(PYTEST) --dist load -m $(LONG) -rP

everyday: $(READY) ## The everyday tests only
	$(PYTEST) -m "not ($(MARKED) or $(LONG))"

lint: $(READY) ## Lint and types only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

site: $(READY) ## The documentation as a site that needs no network: build/site/index.html
	$(BIN)/python .ci/site.py

offline-plots: $(READY) ## A page for `dvc plots diff --html-template build/plots.html` that fetches nothing (docs/experiments.md)
	$(BIN)/python .ci/plots.py build/plots.html

constraints: ## Write constraints.txt anew: the newest set of packages that pyproject.toml allows
	rm -rf build/constraints && $(PYTHON) -m venv build/constraints
	build/constraints/bin/pip install --quiet --upgrade pip
	build/constraints/bin/pip install --quiet -e '.[dev]'
	{ echo '# The exact set of packages that works. Made by `make constraints`; pyproject.toml holds the ranges.'; \
	  build/constraints/bin/pip freeze --exclude-editable --exclude pip --exclude setuptools; } > constraints.txt
	rm -rf build/constraints

clean: ## Remove the environment and what tools left behind; data and caches stay
	rm -rf $(VENV) build .cache .mypy_cache .pytest_cache .ruff_cache

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt -e '.[dev]'
	touch $(READY)
