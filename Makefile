# demo · demo-down · test · check · bench · docs. Everything that they need is set up by themselves.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
E2E ?= auto
WORKERS ?= 4
TESTS ?= $(addprefix tests/,chaos/test_kill_matrix.py e2e contract oracle cases unit) # what takes longest comes first
BENCH := $(patsubst %,.venv-bench/%/installed,ansible pyinfra plots)
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
export E2E
unexport PYTHONDONTWRITEBYTECODE # every test starts commands, which would be compiled each time

.PHONY: help
help: ## show this
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/installed: pyproject.toml requirements-dev.txt
	@echo "setting up a virtual environment in .venv"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; name one with PYTHON=..."; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv || { rm -rf .venv; $(SUDO) apt-get install -y -q python3-venv && $(PYTHON) -m venv .venv; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.venv-ansible/installed: tests/oracle/requirements.txt
	@echo "setting up Ansible in .venv-ansible, for tests to compare with"
	@test -x .venv-ansible/bin/pip || $(PYTHON) -m venv .venv-ansible
	@.venv-ansible/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/oracle/requirements.txt
	@touch $@

.PHONY: demo
demo: .venv/installed ## three bare hosts, a deployment, a broken release rolled back
	@$(BIN)/python examples/demo.py

.PHONY: demo-down
demo-down: .venv/installed ## take the demo's hosts down
	@$(BIN)/deploy lab down

.PHONY: check
check: .venv/installed ## ruff, ruff format, mypy, the import rule
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/pytest -q tests/unit/test_layers.py

.PHONY: test
test: check .venv-ansible/installed ## every test: unit, cases, contract, end to end on lab hosts
	@$(BIN)/pytest $(TESTS) -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: test-chaos
test-chaos: .venv/installed ## kill the deployer at every remote step of a rollout; needs a quiet machine
	@CHAOS=all $(BIN)/pytest tests/chaos

.venv-bench/%/installed: tests/bench/requirements/%.txt
	@echo "setting up $* in .venv-bench, for the benchmark"
	@test -x .venv-bench/$*/bin/pip || $(PYTHON) -m venv .venv-bench/$*
	@.venv-bench/$*/bin/python -m pip install --quiet --disable-pip-version-check --upgrade --requirement $<
	@touch $@

.PHONY: bench bench-quick
bench: .venv/installed $(BENCH) ## deployer beside a shell script, pyinfra and Ansible: docs/performance.md; needs a quiet machine
	@PYTHONPATH=tests:tests/e2e $(BIN)/python -m bench $(BENCH_OPTIONS)

bench-quick: .venv/installed $(BENCH) ## a part of it, printed only
	@PYTHONPATH=tests:tests/e2e $(BIN)/python -m bench --quick $(BENCH_OPTIONS)

.PHONY: test-vm
test-vm: .venv/installed ## real machines from the Vagrantfile, rebooted for real; slow, says why where they cannot be had
	@$(BIN)/python tests/vm/story.py

.PHONY: docs
docs: .venv/installed ## write docs/cli.md, docs/variables.md and docs/modules.md from the code
	@for page in cli variables modules; do $(BIN)/python -m deployer.cli.docs $$page > docs/$$page.md; done

.PHONY: lock
lock: ## renew requirements-dev.txt from pyproject.toml
	@$(BIN)/pip-compile --quiet --strip-extras --extra dev --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file requirements-dev.txt pyproject.toml
