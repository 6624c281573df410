# make demo    see a replica fail and come back, on real servers of this machine
# make test    every test, installing what they need
# make lab     the whole setup on real IPVS: two directors, replicas, clients on the VIP (as root, else in a virtual machine)
# make lab ARGS=more   each setup in every phase, Debian 13, broken scripts, TCP_CHECK beside ours; or scenarios by name
# make lint    what CI demands of the code's form
# make bench   what a check costs, side by side with others
# make docs    write the generated pages of docs/reference anew

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check install --quiet
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
LAB := $(VENV)/.lab
PYTEST := $(BIN)/python -m pytest -n 4 --dist loadgroup

.DEFAULT_GOAL := help
.PHONY: help demo test lab lint bench docs requirements clean

help:
	@sed -n 's/^# make/make/p' Makefile

demo: $(RUNTIME)
	@tests/lab/install servers
	@$(BIN)/python -m tests.lab.demo

test: $(DEV)
	@tests/lab/install all
	tests/lab/with-docker $(PYTEST) $(ARGS)

lab: $(LAB)
	@tests/lab/install lvs
	@$(BIN)/python -m tests.lab.lvs $(ARGS)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --diff --quiet . ; exit 1; }
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/reference/generate.py --check

bench: $(RUNTIME)
	@tests/lab/install servers bench
	@$(BIN)/python -m tests.lab.bench $(ARGS)

docs: $(RUNTIME)
	$(BIN)/python docs/reference/generate.py

# The commands are linked into the environment as soon as it stands, so `.venv/bin/mysqlcheck` is there after either.
$(RUNTIME): requirements/runtime.txt pyproject.toml $(wildcard src/bin/*)
	@tests/lab/install venv
	@test -x $(BIN)/python || { echo "making the virtual environment $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "installing what mysqlcheck runs with ($<)"
	@$(PIP) --require-hashes -r $<
	@$(PIP) --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q src/mysqlcheck
	@touch $@

$(DEV): requirements/dev.txt $(RUNTIME)
	@echo "installing what the tests need ($<)"
	@$(PIP) --require-hashes -r $<
	@touch $@

$(LAB): requirements/lab.txt $(RUNTIME)
	@echo "installing what a virtual machine for the lab needs ($<)"
	@$(PIP) --require-hashes -r $<
	@touch $@

# Newer releases of everything; the files hold hashes and no download addresses.
requirements: $(DEV)
	$(PIP) pip-tools
	cd requirements && for name in runtime dev lab; do ../$(BIN)/pip-compile --quiet --upgrade --strip-extras \
	  --generate-hashes --allow-unsafe --no-header --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --no-emit-options --annotation-style=line $$name.in -o $$name.txt; done

clean:
	rm -rf $(VENV) .cache build dist
