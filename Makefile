# make figures, make test: set up .venv on the first call, then run. Everything else: make help.
CONFIG ?= config/config.yaml
CORES ?= all
PYTHON ?= $(shell command -v python3.11 || command -v python3)
RUN = . .venv/bin/activate &&

.DEFAULT_GOAL := help
.PHONY: help figures smoke paper test lint bench documents lock

help:
	@echo "make figures  install into .venv, rebuild every figure of $(CONFIG), print the verdicts"
	@echo "make smoke    the same for config/smoke.yaml: every figure, tiny"
	@echo "make paper    the same for config/paper.yaml: the papers' sizes, hours"
	@echo "make test     install into .venv, run the tests"
	@echo "make lint     ruff, snakefmt and snakemake --lint"
	@echo "make bench    measure the engines' speed, into benchmarks/"
	@echo "make documents  write the generated tables and the config schema anew"
	@echo "make lock     pin the newest allowed versions in requirements.lock"
	@echo "variables: CONFIG=FILE, CORES=N"

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(RUN) pip install --quiet --disable-pip-version-check -r requirements.lock
	$(RUN) pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

figures: .venv/installed
	@$(RUN) results=$$(python scripts/check_config.py $(CONFIG)) \
	&& snakemake --cores $(CORES) --configfile $(CONFIG) \
	&& python scripts/show_verdicts.py --claims-json $$results/claims.json \
	&& echo "Figures: $$results/figures   Page: $$results/index.html"

smoke:
	@$(MAKE) --no-print-directory figures CONFIG=config/smoke.yaml

paper:
	@$(MAKE) --no-print-directory figures CONFIG=config/paper.yaml

test: .venv/installed
	$(RUN) python -m pytest -n 2

lint: .venv/installed
	$(RUN) ruff check . && ruff format --check .
	$(RUN) snakefmt --check Snakefile workflow
	$(RUN) snakemake --lint

bench: .venv/installed
	$(RUN) python benchmarks/engines.py && python benchmarks/minibatch.py

documents: .venv/installed
	$(RUN) python -m feedback_alignment.documents

# Constraints of this kind resolve only in an empty environment.
lock:
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet --upgrade pip
	.venv-lock/bin/pip install --quiet . --group dev
	(echo "# Every package of the environment, pinned. Written by: make lock"; \
	 .venv-lock/bin/pip freeze | grep -v '^feedback-alignment' | sed 's/+cpu$$//') > requirements.lock
	sed -n '1,/^  - pip:$$/p' environment.yml > environment.new
	sed -n 's/^[^#]/      - &/p' requirements.lock >> environment.new
	mv environment.new environment.yml
	rm -rf .venv-lock
