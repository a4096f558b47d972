# make figures, make test: set up .venv on the first call, then run. Everything else: make help.
CONFIG ?= config/config.yaml
CORES ?= all
# The first Python that fits, the one of the tests before others. Each is run, since a command of that
# name may be a mere signpost.
FITS = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c "$(FITS)" 2> /dev/null && echo $$python && break; done)
RUN = . .venv/bin/activate &&
# The shell takes it from the environment, so it may hold any character.
export CONFIG

.DEFAULT_GOAL := help
.PHONY: help figures smoke paper nulls seeds verify snapshot prune test test-long test-cluster \
	lint bench docs lock

help:
	@echo "make figures  install into .venv, rebuild every figure of $$CONFIG, print the verdicts"
	@echo "make smoke    the same for config/smoke.yaml: every figure, tiny"
	@echo "make paper    the same for config/paper.yaml: the papers' sizes, hours"
	@echo "make nulls    judge every check of $$CONFIG where what it looks for is absent"
	@echo "make seeds    judge config/seeds.yaml, or CONFIG=FILE, under five root seeds that the claims choose, hours"
	@echo "make verify   is every result of $$CONFIG as it was made, and as docs/results has it?"
	@echo "make snapshot write what $$CONFIG found into docs/results, finished or not"
	@echo "make prune    list what no config asks for any more, and remove it after a yes"
	@echo "make test     install into .venv, run the tests"
	@echo "make test-long  the long tests: faults of every kind, more rules, half an hour"
	@echo "make test-cluster  the smoke config through a SLURM of its own, as root"
	@echo "make lint     ruff, pyright, snakefmt and snakemake --lint"
	@echo "make bench    measure the engines' speed, and what the run of $$CONFIG was spent on"
	@echo "make docs     write the generated tables and the config schema anew"
	@echo "make lock     pin the newest allowed versions in requirements.lock"
	@echo "variables: CONFIG=FILE, CORES=N, PYTHON=COMMAND"

.venv/installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" && "$(PYTHON)" -c "$(FITS)" || { echo "error:" \
	"$(or $(PYTHON),no python found): Python 3.11, 3.12 or 3.13 is needed;" \
	"install one, or name one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(RUN) pip install --quiet --disable-pip-version-check -r requirements.lock
	$(RUN) pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

# On a terminal a bar for each kind of step; in a file snakemake's own lines read better.
figures: .venv/installed
	@$(RUN) results=$$(python -m feedback_alignment check "$$CONFIG") \
	&& snakemake --cores $(CORES) --configfile "$$CONFIG" $$(test -t 1 && echo --logger rich) \
	&& python scripts/show_verdicts.py --claims-json "$$results/claims.json" \
	&& echo "Figures: $$results/figures   Page: $$results/index.html"

smoke:
	@$(MAKE) --no-print-directory figures CONFIG=config/smoke.yaml

paper:
	@$(MAKE) --no-print-directory figures CONFIG=config/paper.yaml

nulls: .venv/installed
	@$(RUN) snakemake claims --cores $(CORES) --configfile "$$CONFIG" \
	&& snakemake claims --cores $(CORES) --configfile config/nulls.yaml \
	&& python -m feedback_alignment nulls "$$CONFIG"

seeds: CONFIG = config/seeds.yaml
seeds: .venv/installed
	@$(RUN) for seed in $$(python -m feedback_alignment seeds); do \
	snakemake claims --cores $(CORES) --configfile "$$CONFIG" --config seed=$$seed name=seed-$$seed \
	|| exit 1; done && python -m feedback_alignment seeds --table resources/seeds.csv

verify: .venv/installed
	@$(RUN) results=$$(python -m feedback_alignment check "$$CONFIG") \
	&& snapshot="docs/$$results" \
	&& if test -d "$$snapshot"; then set -- --snapshot "$$snapshot"; fi \
	&& python -m feedback_alignment verify "$$results" "$$@"

snapshot: .venv/installed
	@$(RUN) python -m feedback_alignment snapshot "$$CONFIG" \
	&& python -m feedback_alignment.documents

prune: .venv/installed
	@$(RUN) python -m feedback_alignment prune

test: .venv/installed
	$(RUN) python -m pytest -n 2

test-long: .venv/installed
	$(RUN) python -m pytest -n 2 -m long

test-cluster: .venv/installed
	$(RUN) python -m pytest -m cluster tests/cluster

lint: .venv/installed
	$(RUN) ruff check . && ruff format --check .
	$(RUN) pyright
	$(RUN) snakefmt --check Snakefile workflow
	$(RUN) snakemake --lint

bench: .venv/installed
	$(RUN) python benchmarks/engines.py && python benchmarks/minibatch.py \
	&& python benchmarks/growth.py $$(python -m feedback_alignment check "$$CONFIG")

docs: .venv/installed
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
