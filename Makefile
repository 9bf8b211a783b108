# The commands of this project. `make help` lists them; GNU make 3.81 (macOS) is enough.

PYTHON ?= python3
VENV ?= .venv
NB ?=
CASES ?=
RECORD ?=
SEED ?=
SECONDS ?= 300
REPOSITORY ?=
TORCH_INDEX ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: help figures notebooks exercises launch test test-quick fuzz book slides crib test-book bench bench-mnist experiments lab verify-figures verify-certificates lint clean

# VENV= (empty) takes the environment of PYTHON as it is, conda's for instance.
ifeq ($(VENV),)
RUN := $(PYTHON)
else
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/installed
FOR_TESTS := $(VENV)/installed-test
FOR_BOOK := $(VENV)/installed-book
endif

# JupyterLab's copies, 03-title-Copy1.ipynb, are their owner's.
NOTEBOOKS := $(patsubst notebooks/%.ipynb,%,$(sort $(wildcard notebooks/[0-9][0-9]-*.ipynb)))
NOTEBOOKS := $(strip $(foreach name,$(NOTEBOOKS),$(if $(findstring -Copy,$(name)),,$(name))))
# NB=03 is the notebook that begins so.
NAMED := $(patsubst %.ipynb,%,$(notdir $(NB)))
SELECTED := $(if $(NB),$(or $(filter $(NAMED),$(NOTEBOOKS)),$(filter $(NAMED)%,$(NOTEBOOKS))),$(NOTEBOOKS))
ifeq ($(if $(NB),$(SELECTED),all),)
$(error NB=$(NB) is not a notebook. The notebooks are: $(NOTEBOOKS))
endif

# Without a reader: one thread (sums then have one order), no progress bars, nobody's own settings.
HEADLESS = env OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 \
	VECLIB_MAXIMUM_THREADS=1 NUMBA_NUM_THREADS=1 RAYON_NUM_THREADS=1 PYTHONHASHSEED=0 \
	TQDM_DISABLE=1 MPLBACKEND=module://matplotlib_inline.backend_inline MATPLOTLIBRC=/dev/null \
	IPYTHONDIR="$(CURDIR)/build/ipython"

help:  ## list these commands (the default)
	@echo 'Usage: make COMMAND [VARIABLE=VALUE]'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' Makefile
	@echo 'Variables:'
	@echo '  NB=03            the notebook that begins so, for figures, notebooks, exercises,'
	@echo '                   verify-figures, slides'
	@echo '  CASES="d3-n*"    some cases instead of all (bench); see benchmarks/cases.py'
	@echo '  RECORD=PATH      a local s0010_re, without extension, with 100 beside it, instead'
	@echo '                   of PhysioNet (experiments)'
	@echo '  SEED=N           the seed of its data sets, a random one by default (fuzz)'
	@echo '  SECONDS=300      how long to go on (fuzz)'
	@echo '  REPOSITORY=A/B   its owner and name on GitHub (launch)'
	@echo '  PYTHON=python3   the Python, 3.11 or later, that .venv is made from'
	@echo '  TORCH_INDEX=URL  a package index for PyTorch; on Linux by default that of its CPU'
	@echo '                   builds, https://download.pytorch.org/whl/cpu, if it can be reached'
	@echo '  LAB_ARGS=...     arguments for JupyterLab (lab), such as --no-browser'
	@echo '  VENV=            (empty) use the environment of PYTHON as it is: a conda one, say'

figures: $(INSTALLED)  ## execute the notebooks that changed, and regenerate figures/
	@$(HEADLESS) $(RUN) notebooks/execute.py update $(SELECTED)

notebooks: $(INSTALLED)  ## the same, and refresh the outputs stored in the notebooks
	@$(HEADLESS) $(RUN) notebooks/execute.py update --refresh $(SELECTED)

exercises: $(INSTALLED)  ## write the exercises of solutions/ into the notebooks
	@$(RUN) solutions/generate.py $(SELECTED)

launch: $(INSTALLED)  ## write the repository's address (REPOSITORY) into all that names it
	@$(RUN) book/launch.py $(REPOSITORY)

verify-figures: $(INSTALLED)  ## execute every notebook afresh, and compare with figures/
	@$(HEADLESS) $(RUN) notebooks/execute.py verify --build build/verify $(SELECTED)

verify-certificates: $(INSTALLED)  ## check the certificates of figures/, by the checker that needs NumPy only
	@$(HEADLESS) $(RUN) -m hidden_convexity.verify $(sort $(wildcard figures/certificates/*.npz))

test: $(FOR_TESTS)  ## run the library's tests, then compare the notebooks' outputs (nbval)
	@status=0; \
	$(MAKE) --no-print-directory verify-certificates || status=$$?; \
	$(HEADLESS) $(RUN) -m pytest -n 2 --dist worksteal tests || status=$$?; \
	HIDDEN_CONVEXITY_FIGURES="$(CURDIR)/build/nbval" $(HEADLESS) $(RUN) -m pytest \
		-n 2 --dist loadscope --nbval --nbval-current-env --nbval-cell-timeout=300 \
		--nbval-sanitize-with tests/nbval.cfg $(NOTEBOOKS:%=notebooks/%.ipynb) || status=$$?; \
	exit $$status

test-quick: $(FOR_TESTS)  ## run the wings' quick tests, in under a minute: no notebooks
	@$(HEADLESS) $(RUN) -m pytest -q -n 2 --dist worksteal -m "not slow and not browser" \
		--ignore tests/project tests

fuzz: $(FOR_TESTS)  ## try the library on data made to tie and to round (SEED, SECONDS)
	@$(HEADLESS) $(RUN) tests/fuzz.py --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

book: $(FOR_BOOK)  ## build the book, with every notebook as a chapter, in build/book/
	@$(RUN) -m sphinx -c book -b html -q -W --keep-going -d build/book-doctrees . build/book
	@echo 'The book is build/book/index.html'

slides: $(FOR_BOOK)  ## make slides of the notebooks, for a browser without a network, in build/slides/
	@$(RUN) book/slides.py $(SELECTED)

crib: $(FOR_BOOK)  ## make the crib sheet of the equivalences, one page, build/crib-sheet.pdf
	@mkdir -p build
	@$(RUN) -c 'import typst; typst.compile("book/crib-sheet.typ", output="build/crib-sheet.pdf")'
	@echo 'build/crib-sheet.pdf'

test-book: book $(FOR_TESTS)  ## look at the built book in Chromium: errors, mathematics, links, sizes
	@$(HEADLESS) $(RUN) -m pytest -m browser tests/project/test_book_in_browser.py

bench: $(INSTALLED) build/pyscnn/installed  ## time training side by side with other programs
	@set -f; $(RUN) -m benchmarks.run $(CASES)
	@$(if $(CASES),,$(RUN) -m benchmarks.startup)

bench-mnist: $(INSTALLED)  ## train on 4,000 digits over 1,000 gates, beside Adam (ten minutes)
	@$(RUN) -m benchmarks.mnist

experiments: $(INSTALLED)  ## repeat the sweeps of 06, 09, 10, 12 to 14; resumes (DASK_SCHEDULER)
	@$(RUN) -m benchmarks.experiments.training $(if $(RECORD),--records "$(dir $(RECORD))") && \
	$(RUN) -m benchmarks.experiments.digits && \
	$(RUN) -m benchmarks.experiments.mnist && \
	$(RUN) -m benchmarks.experiments.ten_classes && \
	$(RUN) -m benchmarks.experiments.dimensions && \
	$(RUN) -m benchmarks.experiments.recovery && \
	$(RUN) -m benchmarks.experiments.recovery_cones && \
	$(RUN) -m benchmarks.experiments.teacher && \
	$(RUN) -m benchmarks.experiments.branches && \
	$(RUN) -m benchmarks.experiments.prediction $(if $(RECORD),--records "$(dir $(RECORD))") && \
	$(RUN) -m benchmarks.experiments.denoising $(if $(RECORD),--records "$(dir $(RECORD))") && \
	$(RUN) -m benchmarks.experiments.equaliser && \
	$(RUN) -m benchmarks.experiments.leads $(if $(RECORD),--records "$(dir $(RECORD))")

lab: $(INSTALLED)  ## open JupyterLab on the first notebook (LAB_ARGS)
	@$(RUN) -m jupyterlab --LabApp.default_url=/lab/tree/notebooks/00-start-here.ipynb $(LAB_ARGS)

lint: $(FOR_TESTS)  ## check style (ruff) and the floors of the library (import-linter)
	@$(RUN) -m ruff check . && $(RUN) -m ruff format --check . && \
	$(RUN) -m pytest -q tests/project/test_floors.py

clean:  ## remove build/ and caches; the environment in .venv stays
	@rm -rf build .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find lib tests notebooks -name __pycache__ -prune -exec rm -rf {} +

# No dependencies come in: numpy and torch are those of the environment, the same for everybody.
build/pyscnn/installed: benchmarks/requirements.txt $(INSTALLED)
	@rm -rf build/pyscnn
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --target build/pyscnn \
		--requirement benchmarks/requirements.txt
	@touch $@

ifneq ($(VENV),)
$(INSTALLED) $(FOR_TESTS) $(FOR_BOOK): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or later is needed; PYTHON=$(PYTHON) is: $$($(PYTHON) --version 2>&1)." >&2; \
		echo 'Name another, for instance: make figures PYTHON=python3.12' >&2; exit 1; }
	@$(PYTHON) notebooks/environment.py --torch-index '$(TORCH_INDEX)' $(VENV) \
		$(if $(filter %-test,$@),test,$(if $(filter %-book,$@),book,figures))

$(FOR_TESTS) $(FOR_BOOK): $(INSTALLED)
endif
