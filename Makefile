# One virtual environment, .venv, with a stamp for each requirements file: a second run starts at once.
# make lab PYTHON=python3.12 takes another Python; UPGRADE=1 with `make requirements` takes newer releases.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv)
STUDENT := $(VENV)/.student
DEV := $(VENV)/.dev
FIRST := notebooks/00-start-here.ipynb
LAB := -y --ip=localhost --log-level=WARN --LabApp.log_level=WARN $(if $(filter 0,$(shell id -u)),--allow-root) \
	--LabApp.news_url=None --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate
COMPILE := pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	$(if $(UPGRADE),--upgrade) pyproject.toml

.PHONY: help lab lessons check site slides handouts export test bench format requirements clean

help: ## say what the targets do
	@sed -n 's/^\([a-z]*\):.*## /make \1	/p' Makefile | expand -t 20

lab: $(STUDENT) ## open JupyterLab on the first lesson
	@echo "JupyterLab opens $(FIRST); Ctrl-C ends it."
	@$(BIN)/jupyter lab $(FIRST) $(LAB) $(LAB_FLAGS)

lessons: $(STUDENT) ## run every lesson into build/lessons/ as notebook and page
	@$(BIN)/course build

check: $(STUDENT) ## check the tables and the notebooks
	@$(BIN)/course check

site: $(DEV) ## make the site in build/site/: opens from the folder, without kernel and network
	@$(BIN)/course site

slides: $(DEV) ## make a deck for each lesson in build/slides/
	@$(BIN)/course slides

handouts: $(DEV) ## make a sheet to print for each lesson in build/handouts/
	@$(BIN)/course handout

export: $(STUDENT) ## write the tables as a data package into build/export/
	@$(BIN)/course export --out build/export

test: $(DEV) ## run all tests, the notebooks' stored results among them
	@$(BIN)/pytest --no-header -rfEs -n logical --dist loadscope --nbval-lax --nbval-cell-timeout=120 tests notebooks

bench: $(DEV) ## measure what the design promises
	@$(BIN)/course bench

format: $(DEV) ## format the code and the lessons' cells, and lint
	@$(BIN)/ruff format -q . && $(BIN)/ruff check -q --fix .

requirements: ## compile pyproject.toml into requirements*.txt and environment.yml (needs uv)
	@uv $(COMPILE) --extra build --extra agreement --output-file requirements.txt
	@uv $(COMPILE) --all-extras --constraint requirements.txt --output-file requirements-dev.txt
	@{ sed '/^  - pip:$$/q' environment.yml; awk '/^[a-z0-9]/ && (FILENAME == "requirements.txt" || /^notebook==/) \
		{ sub(/ *\\$$/, ""); print "      - " $$0 }' requirements.txt requirements-dev.txt; } > environment.new
	@mv environment.new environment.yml && echo "Compiled requirements.txt, requirements-dev.txt, environment.yml."

clean: ## remove what these targets made
	@rm -rf $(VENV) build .pytest_cache .ruff_cache && find . -name __pycache__ -prune -exec rm -rf {} +

# The development set holds the student's, so where it is installed nothing is left to do for a student.
$(STUDENT): requirements.txt pyproject.toml
	@if [ $(DEV) -nt requirements.txt ] && [ $(DEV) -nt pyproject.toml ]; then touch $@; else $(call install,$<); fi

$(DEV): requirements-dev.txt pyproject.toml
	@$(call install,$<)

define install
	echo "Setting up $(VENV) from $(1): once, about a minute." && \
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and "Python %d.%d is too old: 3.11 or later is needed. Name one: make $(MAKECMDGOALS) PYTHON=python3.12" % v[:2])' && \
	if [ -n "$(UV)" ]; then \
		{ [ -x $(BIN)/python ] || uv venv -q --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV); } && \
		uv pip install -q --python $(BIN)/python --require-hashes -r $(1) && \
		uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	else \
		{ [ -x $(BIN)/pip ] || $(PYTHON) -m venv $(VENV); } && \
		$(BIN)/pip install -qq --no-compile --require-hashes -r $(1) && \
		$(BIN)/pip install -qq --no-compile --no-deps --no-build-isolation -e .; \
	fi && \
	$(BIN)/jupyter labextension disable --level=sys_prefix @jupyterlab/apputils-extension:announcements >/dev/null 2>&1 && touch $@
endef
