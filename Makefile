# Needs Python 3.11, make and bash. `make` lists what there is.

BIN := .venv/bin
NBVAL := --nbval-lax --nbval-current-env --nbval-cell-timeout=600
# Two tests at a time, each with one thread: threads that share two cores wait for one another.
SIDE := -n 2 --dist loadfile --no-loadscope-reorder
IDEAS := $(addprefix tests/test_,$(addsuffix .py,geometry resolution people network range_norm losses \
  contrastive augment rsc hr_only train predictor metrics statistics scores checkpoints layout))

.DEFAULT_GOAL := help
.PHONY: help demo check test lab site lint format env data speed lock sums clean

help:  ## list the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14

demo: env  ## evaluate the shipped models on the open benchmark: a table and a picture
	@$(BIN)/rsc demo

check test: export MPLBACKEND := Agg
check test: export TQDM_DISABLE := 1
check: env lint  ## lint, types and the tests of the paper's ideas: a minute
	@$(BIN)/python -m pytest -q $(SIDE) -m "not slow" $(IDEAS)

test: export OMP_NUM_THREADS := 1
test: env lint  ## everything CI runs: lint, types, unit tests, notebooks
	@$(BIN)/python -m pytest $(SIDE) -m "not slow"
	@PYTHONPATH=$(CURDIR)/tests/offline $(BIN)/python -m pytest $(SIDE) $(NBVAL) notebooks/

lab: env  ## open the notebooks in JupyterLab
	@$(BIN)/jupyter lab --notebook-dir=notebooks

site: env  ## lessons and tables as static pages, from their committed outputs
	@$(BIN)/python -m benchmarks.site build/site

lint: env  ## ruff, mypy and the layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy rsclib
	@$(BIN)/lint-imports --no-logo --no-cache

format: env  ## let ruff rewrite the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

data: env  ## build the open benchmark in the cache folder
	@$(BIN)/rsc data build

speed: env  ## measure how much faster each fast path is (leave the machine alone meanwhile)
	@$(BIN)/python -m benchmarks.speed

env:  ## build .venv from requirements.lock, unless it is complete (PYTHON=... to choose one)
	@PYTHON="$(PYTHON)" .ci/build-env

lock:  ## resolve the dependencies of pyproject.toml anew (needs uv)
	uv pip compile pyproject.toml --extra notebooks --extra dev --extra outside --extra licensed --extra export --generate-hashes --universal \
	  --python-version 3.11 --no-emit-index-url --no-header -o requirements.lock

sums: env  ## list the hashes of the shipped files, after one was rebuilt
	@$(BIN)/python -m rsclib.files.shipped

clean:  ## remove caches and test artefacts; .venv, runs and built data stay
	rm -rf build test-artefacts .coverage .hypothesis .pytest_cache .mypy_cache .ruff_cache
	find . -name .venv -prune -o -type d \( -name __pycache__ -o -name .ipynb_checkpoints \) \
	  -prune -exec rm -rf {} +
