# `make` lists every task. `make demo` and `make test` set up all they need.
.DEFAULT_GOAL := help
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
# Compiled files make every later start several times faster; a shell that forbids them is for other work.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-postgres check conformance clients interop docs bench bench-dataops bench-pipeline bench-tracking staleness browser slow lock clean

help: ## List every task
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

$(VENV)/uv.stamp:
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is not on PATH; set PYTHON=..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@touch $@

# Build tools first, then the locked packages, then Ropewalk itself (its build makes the pages' assets).
$(VENV)/demo.stamp: $(VENV)/uv.stamp pyproject.toml requirements/build.lock requirements/demo.lock \
		hatch_build.py package-lock.json $(wildcard ui/* ui/*/*)
	$(UV) pip install --quiet --python $(BIN)/python -r requirements/build.lock -r requirements/demo.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/demo.stamp requirements/dev.lock
	$(UV) pip install --quiet --python $(BIN)/python -r requirements/dev.lock
	@touch $@

demo: $(VENV)/demo.stamp ## Run the flagship project, from raw sources to a monitored deployment
	$(BIN)/python examples/flights/demo.py

test: $(VENV)/dev.stamp ## Run the fast test suite
	$(BIN)/python -m pytest -m "not browser and not slow"

test-postgres: $(VENV)/dev.stamp ## Run the suites that use the metadata database on a PostgreSQL server
	$(BIN)/python -m pytest -m "not browser and not slow" --database postgresql \
		tests/store tests/lineage tests/pipeline tests/mlops/tracking tests/mlops/registry tests/cli/test_runs_at_once.py

slow: $(VENV)/dev.stamp ## Run the tests that take minutes: whole projects, kills, the real MLflow client
	$(BIN)/python -m pytest -m "slow and not browser" --timeout 600
	$(BIN)/python -m pytest -m slow -n 0 --database postgresql tests/cli/test_killed_often.py

browser: $(VENV)/dev.stamp ## Look at the pages in a headless Chromium (apt-get install chromium)
	$(BIN)/python -m pytest -m browser -n 0 --timeout 300

# The tests are MLflow's and are not here: CHECKOUT has them, PLUGIN points them at a server (docs/guides/train-with-mlflow.md).
PLUGIN ?= ../shared/conformance
interop: $(VENV)/dev.stamp ## Have datacontract-cli judge our contracts; it is installed beside the project, not into it
	test -x build/interop/bin/datacontract || { python3 -m venv build/interop && build/interop/bin/pip install --quiet 'datacontract-cli[duckdb]==1.2.8'; }
	DATACONTRACT=build/interop/bin/datacontract $(BIN)/python -m pytest -n 0 -q -m slow tests/dataops/contracts/test_interop.py

clients: $(VENV)/dev.stamp ## Hold the tracking server to the real MLflow client, oldest and newest, and to what logs through it
	$(BIN)/python -m pytest -n 0 -q -m slow --timeout 900 tests/interop/test_clients.py tests/mlops/migration/test_server.py

conformance: $(VENV)/dev.stamp ## Run MLflow's own tests against the tracking server: make conformance CHECKOUT=...
	@test -n "$(CHECKOUT)" || { echo "error: set CHECKOUT to a folder with MLflow's tests and pyproject.toml" >&2; exit 2; }
	$(BIN)/python scripts/conformance.py "$(CHECKOUT)" "$(PLUGIN)"

bench: $(VENV)/dev.stamp ## Measure serving beside its peers
	$(BIN)/python benchmarks/serving/compare.py

# Each peer has an environment of its own: none of their dependencies may meet ours.
build/peers/%/installed: benchmarks/pipeline/peer-%.txt $(VENV)/uv.stamp
	$(UV) venv --quiet --clear --python 3.11 $(@D)
	$(UV) pip install --quiet --python $(@D)/bin/python --requirement $<
	@touch $@

bench-pipeline: $(VENV)/dev.stamp build/peers/dvc/installed build/peers/zenml/installed ## Measure the engine beside DVC and ZenML
	$(BIN)/python -m benchmarks.pipeline.compare --dvc build/peers/dvc/bin/python --zenml build/peers/zenml/bin/python

build/peers/dlt/installed: benchmarks/dataops/peer-dlt.txt $(VENV)/uv.stamp
	$(UV) venv --quiet --clear --python 3.11 $(@D)
	$(UV) pip install --quiet --python $(@D)/bin/python --requirement $<
	@touch $@

bench-dataops: $(VENV)/dev.stamp build/peers/dlt/installed ## Measure loads, diffs, lineage and contracts beside DuckDB and dlt
	PYTHONPATH=tests/servers $(BIN)/python -m benchmarks.dataops.compare --dlt build/peers/dlt/bin/python

build/peers/mlflow/installed: benchmarks/tracking/peer-mlflow.txt $(VENV)/uv.stamp
	$(UV) venv --quiet --clear --python 3.11 $(@D)
	$(UV) pip install --quiet --python $(@D)/bin/python --requirement $<
	@touch $@

bench-tracking: $(VENV)/dev.stamp build/peers/mlflow/installed ## Measure the tracking server beside MLflow's own
	PYTHONPATH=tests/servers $(BIN)/python -m benchmarks.tracking.compare --mlflow build/peers/mlflow/bin/python

staleness: $(VENV)/dev.stamp ## Count how often planning is wrong about what is stale
	$(BIN)/python benchmarks/staleness/corpus.py

docs: $(VENV)/dev.stamp ## Build the documentation into build/docs
	$(BIN)/python scripts/generate_reference.py
	$(BIN)/zensical build --strict

check: $(VENV)/dev.stamp ## Lint, type-check and hold the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

lock: $(VENV)/uv.stamp ## Compile the hashed locks anew
	$(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --group dev --group docs --all-extras pyproject.toml -o requirements/dev.lock
	$(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --extra flights -c requirements/dev.lock pyproject.toml -o requirements/demo.lock
	$(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 -c requirements/dev.lock requirements/build.in -o requirements/build.lock

clean: ## Remove the environment and what was built
	rm -rf $(VENV) dist build node_modules src/ropewalk/web/static docs/site
