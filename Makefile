# make book and make test are all a reader needs; `make` alone lists the rest.

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
PYTHON  ?= python3
PROFILE ?= quick
BIN     := .venv/bin
READY   := .venv/ready
SUPREME := _build/supreme/bin/python

export KIT_CACHE ?= $(CURDIR)/.cache/models
export KIT_PROGRESS ?= 0
# Chapters at a time, each on its share of the cores: two processes of two threads on two cores wait
# for each other at every layer, 40 times slower.
CORES    := $(shell getconf _NPROCESSORS_ONLN)
JOBS      = $(or $(patsubst -j%,%,$(filter -j%,$(MAKEFLAGS))),$(shell echo $$(( $(CORES) < 4 ? $(CORES) : 4 ))))
HALF     := $(shell echo $$(( ($(CORES) + 1) / 2 )))

CHAPTERS := $(shell sed -n 's|.*file: notebooks/||p' _toc.yml)
# While one trains the networks that most chapters share, others run that need none of them.
FIRST    := gold_standard $(filter feature_% federated mixed_%,$(CHAPTERS))
INORDER  := $(FIRST) $(filter-out $(FIRST),$(CHAPTERS))
EXECUTED := _build/executed/$(PROFILE)
SOURCES  := $(shell find kit -name '*.py' -o -name '*.npz' -o -name '*.toml' -o -name '*.tar') $(wildcard results/records/*.json) constraints.txt
PAGES    := $(shell find book -type f -not -path '*/__pycache__/*') _config.yml _toc.yml \
            $(wildcard tools/*.py notebooks/*.md results/experiments/*.toml)
# Executed chapters that are kept with the records and published.
KEPT     := results/executed

.PHONY: help install lock notebooks book pdf slides paper laptop quick published test nightly mutants bench serve clean

help:  ## this list
	@grep -hE '^[a-z ]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/ -/'

install: $(READY)  ## the environment in .venv, at the versions of constraints.txt

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "Python 3.11, 3.12 or 3.13 is needed: make PYTHON=python3.12 book"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable '.[all]'
	touch $@

lock: $(READY)  ## the newest versions that fit together, into constraints.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --all-extras --no-annotate \
	  --no-header --no-emit-index-url pyproject.toml --output-file constraints.txt

notebooks: $(CHAPTERS:%=notebooks/%.ipynb)  ## bring each .ipynb up to date with its .md

notebooks/%.ipynb: notebooks/%.md tools/sync.py | $(READY)
	$(BIN)/python tools/sync.py $<

# Chapters that nothing has changed are not run again, so an interrupted build goes on. What is made
# has the date at which its making began: whatever changes meanwhile is made again.
$(EXECUTED)/done: $(CHAPTERS:%=notebooks/%.ipynb) $(SOURCES) tools/execute.py tools/watch.py tools/chapters.py | $(READY)
	@mkdir -p $(@D) && touch $(@D)/began
	@$(BIN)/python tools/execute.py --profile $(PROFILE) --current --jobs $(JOBS) --into $(@D) $(INORDER:%=notebooks/%.ipynb)
	@mv $(@D)/began $@

book: _build/html/index.html  ## execute every chapter and build the book into _build/html

_build/html/index.html: $(EXECUTED)/done $(PAGES) | $(READY)
	@touch _build/began
	$(BIN)/python tools/stage.py $(EXECUTED) _build/stage
	@echo "building the pages, about a minute"
	$(BIN)/jupyter-book build _build/stage --path-output . -W -n --keep-going --quiet
	@touch -r _build/began $@
	@echo "the book is in $@"

# Of the book in HTML: what make book built, or make published.
HTML    ?= _build/html

pdf: $(HTML)/index.html  ## the book as one PDF, printed by Chromium
	$(BIN)/python tools/pdf.py $(HTML) $(HTML)/did-it-really-forget.pdf

slides: $(HTML)/index.html  ## a deck of slides for teaching
	$(BIN)/python tools/slides.py $(HTML)

# One recipe for the three profiles; what was finished is not run again. Status 3: some runs diverged.
paper laptop quick: $(READY)  ## every experiment and chapter at that profile, kept in results/: paper needs a GPU
	$(if $(wildcard results/experiments/$@_*.toml),KIT_PROGRESS=1 $(BIN)/python -m kit run $(wildcard results/experiments/$@_*.toml) || [ $$? = 3 ])
	KIT_PROGRESS=1 $(BIN)/python tools/execute.py --profile $@ --resume --into $(KEPT)/$@ $(CHAPTERS:%=notebooks/%.ipynb)

published: _build/published/_build/html/index.html  ## the book of the chapters in results/executed, without running any

_build/published/_build/html/index.html: $(wildcard $(KEPT)/*/*.ipynb) $(PAGES) $(SOURCES) | $(READY)
	@mkdir -p _build && touch _build/began
	$(BIN)/python tools/stage.py $(KEPT)/paper $(KEPT)/laptop $(KEPT)/quick _build/published/source
	$(BIN)/jupyter-book build _build/published/source --path-output _build/published -W -n --keep-going --quiet
	@touch -r _build/began $@
	@echo "the book is in $@"

test: book  ## unit tests, every notebook, and checks of the built pages in a browser
	$(BIN)/ruff check kit tests tools bench
	OMP_NUM_THREADS=$(HALF) $(BIN)/python -m pytest --numprocesses 2 --dist loadgroup tests
	OMP_NUM_THREADS=$(HALF) $(BIN)/python -m pytest --numprocesses 2 --nbmake --nbmake-timeout=600 --timeout=900 notebooks

nightly: book  ## the tests that take longer than a change can wait for; none has the mark: status 5
	OMP_NUM_THREADS=$(HALF) $(BIN)/python -m pytest --numprocesses 2 --dist loadgroup -m nightly tests || [ $$? = 5 ]

mutants: $(READY)  ## plant known defects one at a time in a copy: the tests must notice each
	KIT_PROGRESS=1 $(BIN)/python tools/mutants.py --jobs $(CORES)

# It pins an old torch: an environment of its own, for Python 3.11.
$(SUPREME): | $(READY)
	$(BIN)/uv venv --quiet --python 3.11 $(@D:%/bin=%)
	$(BIN)/uv pip install --quiet --python $@ supreme-unlearning==0.1.5 debugpy 'setuptools<81' ipython pandas safetensors

bench: $(READY) $(SUPREME)  ## speed of training, shadow models, a full audit, linearised networks and methods
	$(BIN)/python bench/training.py
	$(BIN)/python bench/shadows.py
	$(BIN)/python bench/linear.py
	$(BIN)/python bench/methods.py $(SUPREME)

serve: book  ## look at the book on http://localhost:8000
	$(BIN)/python -m http.server --directory _build/html 8000

clean:  ## remove everything that was built, but neither .venv nor trained models
	rm -rf _build
