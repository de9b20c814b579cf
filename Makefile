# make demo      train, translate, plot, export and reload on synthetic data
# make test      the tests; make test-all includes those that take minutes each
# make test-gpu  the tests that need a GPU
# make check     style, types, the import contract and the fast tests
# make coverage  the tests with branch coverage
# make mutants   put small errors into the code and count those that the tests catch
# make bench     compare the speed with PyTorch and plain Keras, which takes an hour or two
# make docs      build the site in docs/_build/html; warnings are errors
# make linkcheck check the links within the site
# make notebooks run the chapters as notebooks, as pages of the site; up to half an hour
# make explorer  record the examples of the translation explorer in saved_models/demo
# make catalogs  bring the Chinese text of the chapters up to date with the scripts
# make canary    the fast tests with neighboring versions of Python, TensorFlow and Keras
# make format    fix the style with ruff
#
# Each sets up .venv the first time. ARGS are passed on: make demo ARGS="--epochs 2"

PYTHON ?= python3
VENV := .venv
RUN := TF_CPP_MIN_LOG_LEVEL=2 $(VENV)/bin/python
READY := $(VENV)/.ready
# Three workers on two cores, as some tests wait for processes. The chapters come first, whose tests
# take longest, and the fast tests last.
TEST := $(RUN) -m pytest -n 3 --dist loadfile --no-loadscope-reorder

DOCS_READY := $(VENV)/.docs-ready
SPHINX := $(RUN) -m sphinx -W --keep-going

.PHONY: demo test test-all test-gpu check lint coverage mutants bench docs linkcheck \
  notebooks explorer catalogs canary format clean

demo: $(READY)
	$(RUN) chapters/quickstart.py $(ARGS)

test: $(READY)
	$(TEST) $(ARGS)

test-all: $(READY)
	$(TEST) -m "slow or not slow" $(ARGS)

test-gpu: $(READY)
	$(VENV)/bin/python -m pip install --quiet 'tensorflow[and-cuda]>=2.21,<2.22'
	$(RUN) -m pytest -vv -m "slow or not slow" tests/gpu $(ARGS)

check: lint
	$(TEST) -m "fast and not slow" $(ARGS)

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

coverage: $(READY)
	$(TEST) --cov --cov-report=term-missing:skip-covered $(ARGS)

mutants: $(READY)
	$(VENV)/bin/python -m pip install --quiet --editable '.[mutants]'
	$(RUN) tools/mutants.py $(ARGS)

# One of them: .venv/bin/python benchmarks/training.py --model tuned
bench: $(READY)
	$(VENV)/bin/python -m pip install --quiet --requirement benchmarks/requirements.txt
	$(RUN) benchmarks/training.py --keras
	$(RUN) benchmarks/decoding.py
	$(RUN) benchmarks/decoding.py --file --model tuned
	$(RUN) benchmarks/growth.py
	$(RUN) benchmarks/plots.py
	$(RUN) benchmarks/products.py
	$(RUN) benchmarks/memory.py
	$(RUN) benchmarks/serving.py
	$(RUN) benchmarks/device.py
	$(RUN) benchmarks/checkpoints.py
	$(RUN) benchmarks/corpus.py --pairs 1000000

docs: $(DOCS_READY)
	$(SPHINX) -b html docs docs/_build/html $(ARGS)

# Those to other sites too: make linkcheck ARGS='-D linkcheck_ignore=^$$'
linkcheck: $(DOCS_READY)
	$(SPHINX) -b linkcheck docs docs/_build/linkcheck $(ARGS)

# One of them: make notebooks ARGS=ch08_2
notebooks: $(DOCS_READY)
	$(RUN) tools/notebooks.py $(ARGS)

explorer: $(READY)
	$(RUN) tools/explorer.py

# A new one: make catalogs ARGS=beyond_7
catalogs: $(READY)
	$(RUN) tools/catalogs.py $(ARGS)

# One of them: make canary ARGS=python3.13
canary:
	$(PYTHON) tools/canary.py $(ARGS)

format: $(READY)
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

# What was trained, in output and saved_models, stays.
clean:
	rm -rf $(VENV) .canary build docs/_build *.egg-info

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { echo "This Python cannot make virtual environments; on Debian: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --editable '.[dev]'
	@touch $@

$(DOCS_READY): $(READY)
	$(VENV)/bin/python -m pip install --quiet --editable '.[docs,serve]'
	@touch $@
