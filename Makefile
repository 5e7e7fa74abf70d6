# Each target sets up what it needs: a machine with make and Python >= 3.11 is enough. uv is used where it is on PATH.
.POSIX:
.SUFFIXES:
.PHONY: demo test check verify mutate calibrate bench docs gallery format lock clean

VENV = .venv
READY = $(VENV)/ready
BIN = $(VENV)/bin

demo: $(READY)
	@$(BIN)/marketsim run scenarios/quickstart.yaml

test: $(READY)
	@$(BIN)/python -m pytest -q -n auto --dist loadfile

check: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

verify: $(READY)
	@$(BIN)/python -m pytest -q tests/verification

# Faults put into a room, one at a time, in a copy of the checkout: which of them does no test notice? (tests/README.md)
ROOM = analysis
SAMPLE = 50
SEED = 1
BUDGET = 20
mutate: $(READY)
	@$(BIN)/python -m tests.mutation $(ROOM) --sample $(SAMPLE) --seed $(SEED) --budget $(BUDGET) $${AGAIN:+--again} \
	    $${AMONG:+--among $$AMONG}

# A base world's free parameters, fitted to the facts of real markets (marketsim/calibration); the same again goes on.
WORLD = btc-perp
HOURS = 2
calibrate: $(READY)
	@$(BIN)/python -m marketsim.calibration $(WORLD) --hours $(HOURS)

bench: $(READY)
	@$(BIN)/marketsim bench

# The documentation as one static site, and the gallery of shipped studies and claims; both need no network.
docs: $(READY)
	@$(BIN)/python -m marketsim.site docs build/docs

gallery: $(READY)
	@$(BIN)/python -m marketsim.site gallery build/gallery

format: $(READY)
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

# Made with uv only; it names no index and no host, and one version of a thing serves every Python.
lock:
	uv pip compile --quiet --universal --generate-hashes --fork-strategy fewest --python-version 3.11 --extra dev --extra analysis --extra dataset --extra docs --extra figures --extra ui \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' \
	    pyproject.toml --output-file requirements.lock

# The stamp is younger than the lock and the project file: a second call does nothing. The project itself is built
# with what the lock brought, so nothing is installed that the lock does not hold by its hash.
$(READY): requirements.lock pyproject.toml
	@python=; needs='sys, venv, ensurepip'; \
	if command -v uv >/dev/null 2>&1; then uv=yes; needs=sys; else uv=; fi; \
	for name in python3.13 python3.12 python3.11 python3 python python3.14; do \
	    if $$name -c "import $$needs; sys.exit(sys.version_info < (3, 11))" >/dev/null 2>&1; then \
	        python=$$name; break; \
	    fi; \
	done; \
	if ! $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    if [ -z "$$python" ]; then \
	        echo 'make: no Python >= 3.11 with the modules venv and ensurepip on PATH; install one (python.org, or the' \
	             'packages python3 and python3-venv of your system) and call make again' >&2; \
	        exit 5; \
	    fi; \
	    echo "making $(VENV) with $$($$python --version)"; \
	    if [ "$$uv" ]; then uv venv --quiet --clear --python "$$(command -v $$python)" $(VENV); \
	    else $$python -m venv --clear $(VENV); fi || exit 5; \
	fi; \
	echo 'installing from requirements.lock'; \
	if [ "$$uv" ]; then \
	    uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock && \
	    uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .; \
	else \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .; \
	fi || exit 5
	@touch $(READY)

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .mutation
	find marketsim tests -name __pycache__ -type d -prune -exec rm -rf {} +
