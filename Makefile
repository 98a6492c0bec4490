# Needs Python 3.11, make and bash. `make` lists what there is.

SHELL := bash
VENV := .venv
BIN := $(VENV)/bin
# Lies inside $(VENV) and holds the lock's hash: written last, so an interrupted or outdated
# installation has none, or another one.
STAMP := $(VENV)/installed-lock
NBVAL := --nbval-lax --nbval-current-env --nbval-cell-timeout=300

.DEFAULT_GOAL := help
.PHONY: help demo test lab lint format env data lock clean

help:  ## list the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14

demo: env  ## evaluate the shipped models on the open benchmark: a table and a picture
	@$(BIN)/rsc demo

test: export MPLBACKEND := Agg
test: export TQDM_DISABLE := 1
test: env lint  ## everything CI runs: lint, types, unit tests, notebooks
	@$(BIN)/python -m pytest -m "not slow"
	@$(BIN)/python -m pytest $(NBVAL) notebooks/

lab: env  ## open the notebooks in JupyterLab
	@$(BIN)/jupyter lab --notebook-dir=notebooks

lint: env  ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy rsclib

format: env  ## let ruff rewrite the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

data: env  ## build the open benchmark in the cache folder
	@$(BIN)/rsc data build

env:  ## build .venv from requirements.lock, unless it is complete
	@set -euo pipefail; \
	python=; \
	for candidate in $(PYTHON) python3.11 python3 python; do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; \
	    then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "Python 3.11 not found: install it, or name it: make env PYTHON=/path/to/python3.11" >&2; \
	  exit 1; \
	fi; \
	wanted=$$("$$python" -c 'import hashlib, sys; print(hashlib.sha256(b"".join(open(name, "rb").read() for name in sys.argv[1:])).hexdigest())' requirements.lock pyproject.toml); \
	if [ "$$(cat $(STAMP) 2>/dev/null)" = "$$wanted" ] && $(BIN)/python -c '' 2>/dev/null; \
	  then exit 0; fi; \
	echo "Building $(VENV) with $$($$python --version): about 5 GB, two minutes plus the download."; \
	rm -f $(STAMP); \
	if ! "$$python" -m venv --clear $(VENV); then \
	  echo "Python cannot make a virtual environment (on Debian: apt install python3.11-venv)." >&2; \
	  exit 1; \
	fi; \
	pip="$(BIN)/python -m pip install --disable-pip-version-check --no-input --no-warn-script-location"; \
	sed -nE '/^setuptools==/,/[^\\]$$/p' requirements.lock > $(VENV)/build-tools.txt; \
	$$pip -q --require-hashes -r $(VENV)/build-tools.txt; \
	$$pip --progress-bar off --require-hashes --no-build-isolation -r requirements.lock | awk ' \
	  /^ *(Downloading|Using cached) .*\((1[0-9][0-9]|[2-9][0-9][0-9])\.[0-9]+ MB\)/ { \
	    sub(/^ *(Downloading|Using cached) .*\//, ""); sub(/^ *(Downloading|Using cached) /, ""); \
	    print "  " $$0; fflush() } \
	  /^Installing collected packages/ { \
	    print "  unpacking " NF - 3 " packages ..."; fflush() }'; \
	$$pip -q --no-deps --no-build-isolation -e .; \
	echo "$$wanted" > $(STAMP); \
	echo "  done."

lock:  ## resolve the dependencies of pyproject.toml anew (needs uv)
	uv pip compile pyproject.toml --extra notebooks --extra dev --generate-hashes --universal \
	  --python-version 3.11 --no-emit-index-url --no-header -o requirements.lock

clean:  ## remove caches and test artefacts; .venv, runs and built data stay
	rm -rf build test-artefacts .coverage .hypothesis .pytest_cache .mypy_cache .ruff_cache
	find . -name $(VENV) -prune -o -type d \( -name __pycache__ -o -name .ipynb_checkpoints \) \
	  -prune -exec rm -rf {} +
