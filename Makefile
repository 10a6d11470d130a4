# Two commands do everything on a fresh machine: `make run` and `make test`.
PYTHON ?= python3
# Options for pip, such as the package index of a PyTorch build for your GPU; see README.md.
PIP_FLAGS ?=
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed

.PHONY: run test lint torture bench bench-memory families faults eval-storybook format clean

run: $(INSTALLED)
	$(BIN)/easel run

test: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest --numprocesses=auto --maxprocesses=4 --dist=worksteal

lint: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(INSTALLED)
	$(BIN)/python -m tests.bench

# Options: `make bench-memory BENCH_FLAGS=--uncomputed` for a slow machine.
bench-memory: $(INSTALLED)
	$(BIN)/python -m tests.bench.memory $(BENCH_FLAGS)

# Some rows only: `make torture ROWS="kills faults"`; a few seconds a row: `make torture ROWS=--quick`.
torture: $(INSTALLED)
	$(BIN)/python -m tests.torture $(ROWS)

families: $(INSTALLED)
	$(BIN)/python -m tests.families

faults: $(INSTALLED)
	$(BIN)/python -m tests.unit.generation.worker.test_file_faults

eval-storybook: $(INSTALLED)
	$(BIN)/python -m generation.storybook.evaluate

# Without the venv's own pip, since some systems ship Python without `ensurepip`.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv --without-pip $(VENV)
	$(PYTHON) -m pip --python $(BIN)/python install --disable-pip-version-check --quiet \
		--constraint constraints.txt $(PIP_FLAGS) --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
