# make demo   train the digits network on a local Ray cluster
# make test   everything: build the wheel, install it, format, lint, types, all tests
# make check  the fast part of it, on the working tree
# make clean  remove what these made
#
# Needs Python 3.11 or newer with pip and venv, and nothing else. What is installed is remembered in stamp files
# under .venv/, so a second run installs nothing.

PYTHON ?= python3
PIP_FLAGS ?= --quiet --progress-bar=off --disable-pip-version-check
PYTEST_FLAGS ?=

ENGINE := graph placement kernels actors
SOURCES := $(shell find $(ENGINE) weft -type f -not -name '*.pyc' | sort)
WHEEL := dist/weft-0.1.0-py3-none-any.whl
INSTALL := -m pip install $(PIP_FLAGS)

.PHONY: demo test check types fast wheel clean
.DELETE_ON_ERROR:

demo: .venv/dev/.installed
	.venv/dev/bin/python -m examples.digits

# The tests run in a folder that holds links to `tests` and `examples` but not to `weft`, so that they, their
# subprocesses and Ray's workers can only find the package that was installed from the wheel.
test: .venv/test/.installed
	@echo "== format, lint"
	.venv/test/bin/ruff format --check --quiet .
	.venv/test/bin/ruff check --quiet .
	@$(MAKE) --no-print-directory types BIN=.venv/test/bin
	@echo "== tests, against the installed wheel"
	@mkdir -p build/run && ln -sfn ../../tests ../../examples ../../benchmarks build/run/
	cd build/run && ../../.venv/test/bin/python -m pytest -c ../../pyproject.toml --rootdir ../.. \
	    -o cache_dir=$(abspath .pytest_cache) $(PYTEST_FLAGS) ../../tests

check: .venv/dev/.tools
	.venv/dev/bin/ruff format --quiet .
	.venv/dev/bin/ruff check --fix --quiet .
	@$(MAKE) --no-print-directory types fast BIN=.venv/dev/bin

# --- parts of these; BIN is the environment that they run in --------------------------------------------

BIN ?= .venv/dev/bin

# Of the ops' sample rows, the fast loop runs those on NumPy; XLA's compiler and finite differences take longer.
fast:
	@echo "== fast tests"
	$(BIN)/python -m pytest -m "not (ray or tensorflow or gpu or browser or slow)" \
	    -k "not (jax or cupy or test_gradient)" $(PYTEST_FLAGS)

# The folders at the root are sub-packages of `weft`; mypy sees them in their places through links.
types:
	@echo "== types"
	@mkdir -p build/types/weft && find build/types/weft -type l -delete
	@for part in $(ENGINE) $(filter-out %__pycache__,$(wildcard weft/*)); do \
	    ln -s "../../../$$part" "build/types/weft/$${part##*/}"; done
	cd build/types && $(abspath $(BIN))/mypy --config-file ../../pyproject.toml \
	    --cache-dir ../../.mypy_cache -p weft.graph -p weft.placement

# --- environments ---------------------------------------------------------------------------------------

wheel: $(WHEEL)

$(WHEEL): pyproject.toml README.md LICENSE $(SOURCES)
	@echo "== building the wheel"
	@rm -rf build/lib build/bdist.* weft.egg-info
	$(PYTHON) -m pip wheel $(PIP_FLAGS) --no-deps --wheel-dir dist .
	@touch $@

.venv/test/.made .venv/dev/.made:
	@echo "== making $(@D)"
	$(PYTHON) -m venv $(@D)
	@touch $@

.venv/test/.dependencies: pyproject.toml .venv/test/.made | $(WHEEL)
	@echo "== installing what weft needs into $(@D) (some minutes the first time)"
	.venv/test/bin/python $(INSTALL) "$(WHEEL)[examples,parity,dev]" || \
	    .venv/test/bin/python $(INSTALL) "$(WHEEL)[examples,parity,dev]"  # once more: registries have bad moments
	@touch $@

.venv/test/.installed: $(WHEEL) .venv/test/.dependencies
	@echo "== installing the wheel"
	.venv/test/bin/python $(INSTALL) --no-deps --force-reinstall $(WHEEL)
	@touch $@

.venv/dev/.installed: pyproject.toml .venv/dev/.made
	@echo "== installing what weft needs into $(@D) (some minutes the first time)"
	.venv/dev/bin/python $(INSTALL) --editable ".[examples]"
	@touch $@

.venv/dev/.tools: pyproject.toml .venv/dev/.made
	@echo "== installing what weft and its tests need into $(@D) (some minutes the first time)"
	.venv/dev/bin/python $(INSTALL) --editable ".[examples,parity,dev]"
	@touch $@ .venv/dev/.installed

clean:
	rm -rf .venv build dist weft.egg-info out .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
