# The config, the plan that it makes, and the functions that tell each rule its files.
import os
import shlex
import sys
from pathlib import Path

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT / "src"))

from feedback_alignment.claims import ClaimsError, load_claims
from feedback_alignment.config import ConfigError, load_config
from feedback_alignment.plan import known_figures, make_plan, sync_specs
from feedback_alignment.report.sources import load_sources

try:
    FIGURES = known_figures(ROOT)
    # Mistakes in these two would show only after the training.
    load_claims(FIGURES)
    load_sources(Path(os.path.relpath(ROOT / "config/sources.yaml")))
    PLAN = make_plan(
        load_config(
            [
                Path(os.path.relpath(path))
                for path in workflow.config_settings.configfiles
                or [ROOT / "config/config.yaml"]
            ],
            schema=ROOT / "workflow/schemas/config.schema.json",
            known_figures=FIGURES,
            overrides=workflow.config_settings.config,
        ),
        ROOT,
    )
except (ConfigError, ClaimsError) as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(1)

RESULTS = f"results/{PLAN.config.name}"
# What each job is to make. A finished job leaves a copy in the results, under specs/.
WANTED = f".snakemake/specs/{PLAN.config.name}"
EXPERIMENTS = [experiment.name for experiment in PLAN.config.experiments]
sync_specs(PLAN, Path(WANTED), Path(RESULTS))

# Jobs use this interpreter and this checkout's library, wherever snakemake was called from, and
# one thread each: the number of threads changes the order of sums, and so the bytes.
os.environ.update(
    PATH=f"{Path(sys.executable).parent}:{os.getenv('PATH')}",
    PYTHONPATH=str(ROOT / "src"),
    OMP_NUM_THREADS="1",
    OPENBLAS_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
)


# Files that a job reads are ancient(): whether it is stale is told by its specification (wanted)
# and by those that its inputs were made from, which sync_specs has dated back where they fit.
def made_from(step, jobs):
    """What finished jobs of a step were made from."""
    return [f"{RESULTS}/specs/{step}/{job}.json" for job in jobs]


def figure_files(figures):
    """Everything that the notebook of each figure makes."""
    made = ["figures/{}.svg", "figures/{}.pdf", "figures/{}.png"]
    made += ["notebooks/{}.ipynb", "notebooks/{}.html"]
    return [f"{RESULTS}/{path.format(figure)}" for figure in figures for path in made]


def tables(experiments):
    """The table of each experiment."""
    return [f"{RESULTS}/metrics/{experiment}.parquet" for experiment in experiments]


def runs_of(wildcards):
    """The training runs behind an experiment's table."""
    return PLAN.specs["metrics"][wildcards.experiment]["runs"]


def dataset_of(wildcards):
    """The data that a training run reads."""
    return PLAN.specs["train"][wildcards.run]["dataset"]


def place_of(wildcards):
    """Where the config says that a data set's file or folder is."""
    place = PLAN.config.places.get(
        PLAN.specs["data"][wildcards.dataset]["settings"]["data"]
    )
    return "" if place is None else f"--place {shlex.quote(str(place))}"


def experiments_of(wildcards):
    """The experiments that feed a figure."""
    return [experiment.name for experiment in PLAN.config.feeding(wildcards.figure)]


def help_text():
    """The targets, a line each."""
    lines = [
        f"results of this config: {RESULTS}",
        "all: every figure, table and verdict, and the page",
        "claims: the verdicts alone",
        *(f"{figure}: this figure alone" for figure in PLAN.config.figures),
    ]
    return "\n".join(lines)
