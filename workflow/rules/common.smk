# The config, the plan that it makes, and the functions that tell each rule its files.
import os
import sys
from pathlib import Path

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT / "src"))

from feedback_alignment.errors import InputError
from feedback_alignment.jobs import (
    CAPTIONS,
    LOCK_FILE,
    SEEDS_FILE,
    SOURCES_FILE,
    make_plan,
    read_plan,
    receipt_of,
)
from feedback_alignment.known_digests import KnownDigests
from feedback_alignment.project import read_project

# Snakemake fills in what stands in braces here, also in those of a folder's name.
ENVIRONMENT = str(ROOT / "environment.yml").replace("{", "{{").replace("}", "}}")

# What jobs read of the project: copies that are named by their content and never change.
KEPT = Path(".snakemake")

# Jobs elsewhere, each of which reads this file anew, take the plan of the call that sent them: it
# is quicker, and an edit of the tree while they wait changes nothing.
SENT = os.getenv("FEEDBACK_ALIGNMENT_PLAN", "")

try:
    if Path(SENT).is_file() and not workflow.is_main_process:
        PLAN = read_plan(Path(SENT))
    else:
        PLAN = make_plan(
            read_project(
                ROOT,
                workflow.config_settings.configfiles,
                workflow.config_settings.config,
            ),
            ROOT,
        )
        SENT = PLAN.publish(KEPT).resolve()
except InputError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(1)
except OSError as error:
    print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
    sys.exit(1)

RESULTS = f"results/{PLAN.config.name}"


# All inputs are ancient(), but those of jobs that are to run: file times decide nothing. Data and
# runs have their specification's digest in their path; which of the named outputs are stale is told
# by their receipts.
KNOWN = KnownDigests(KEPT / "digests.json")
# A job that was sent is to run in any case.
STALE_JOBS, DAMAGED = (
    PLAN.stale(Path(RESULTS), KNOWN) if workflow.is_main_process else ([], [])
)
STALE = {(job.step, job.name) for job in STALE_JOBS}
# With a stale table, those of its runs that are not there.
STALE |= {
    (step, name)
    for job in STALE_JOBS
    for step, name in job.reads
    if step == "train" and not Path(RESULTS, "runs", f"{name}.npz").exists()
}
KNOWN.save()
for line in [f"note: {note}" for note in PLAN.config.notes] + DAMAGED:
    print(line, file=sys.stderr)

# Jobs use this interpreter, wherever snakemake was called from, and one thread each: the number of
# threads changes the order of sums, and so the bytes. Their library lies beside their script.
os.environ.update(
    PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.getenv('PATH')}",
    OMP_NUM_THREADS="1",
    OPENBLAS_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
    FEEDBACK_ALIGNMENT_PLAN=str(SENT),
)
os.environ.pop("PYTHONSAFEPATH", None)
# Where captions for `snakemake --report` lie.
config["captions"] = str(ROOT / CAPTIONS)


def job_of(step, wildcards):
    """The job of a step: that of the rule's one wildcard, or the only one."""
    jobs = PLAN.jobs[step]
    name = next(iter(wildcards), step)
    if name not in jobs:
        raise ValueError(f"{step}/{name} is nothing that this config asks for")
    return jobs[name]


def kept(paths):
    """Input: copies in KEPT, which each call writes, also one that keeps results in a bucket."""
    return local(ancient(paths))


def spec(step):
    """Input: the specification of the job, which is made to run if its outputs are stale."""

    def path(wildcards):
        job = job_of(step, wildcards)
        if (job.step, job.name) in STALE:
            # As --forcerun does. Snakemake has no other way to be told but file times and its own
            # notes, and an input function is asked for just the jobs that a target needs.
            workflow.dag.forcefiles.add(str(receipt_of(Path(RESULTS), job)))
        return f"{KEPT}/specifications/{job.digest}.json"

    return kept(path)


def code(step, file=None):
    """Input: a file from the copy of the code that the job's specification names."""
    file = file or f"{step}.py"
    return kept(
        lambda wildcards: f"{KEPT}/code/{job_of(step, wildcards).code.digest}/"
        + file.format(*wildcards)
    )


def files(step, folder):
    """Input: the files of a folder that the job reads, from the same copy."""

    def paths(wildcards):
        code = job_of(step, wildcards).code
        places = [place for place, _ in code.files if place.startswith(f"{folder}/")]
        return [f"{KEPT}/code/{code.digest}/{place}" for place in places]

    return kept(paths)


def read(step, of):
    """Input: outputs of the jobs of another step that the job reads."""
    folder, end = {
        "data": ("data", "npz"),
        "train": ("runs", "npz"),
        "tables": ("metrics", "parquet"),
    }[of]

    def paths(wildcards):
        job = job_of(step, wildcards)
        names = [name for kind, name in job.reads if kind == of]
        return [behind(job, f"{RESULTS}/{folder}/{name}.{end}") for name in names]

    return paths


def receipts(step):
    """Input: receipts of the jobs upstream; the job checks what they say of its inputs."""

    def paths(wildcards):
        job = job_of(step, wildcards)
        upstream = [PLAN.jobs[kind][name] for kind, name in job.reads]
        return [
            behind(job, str(receipt_of(Path(RESULTS), other))) for other in upstream
        ]

    return paths


def behind(job, path):
    """An input of a job that another job makes, which a killed call may have left incomplete."""
    # Snakemake knows a job behind one that runs by its inputs alone: behind an ancient one, which
    # is there, not even a forced job runs.
    return path if (job.step, job.name) in STALE else ancient(path)


def made_by(jobs):
    """All named outputs of jobs."""
    return [f"{RESULTS}/{path}" for job in jobs for path in job.made]


def place(wildcards):
    """Where the config says that a data set's file or folder is, as options."""
    settings = job_of("data", wildcards).specification["settings"]
    place = PLAN.config.places.get(settings["data"])
    return [] if place is None else ["--place", str(place)]


def condition_of(wildcards):
    """The settings that a training job trains by."""
    return job_of("train", wildcards).specification["settings"]


def weights_of(wildcards):
    """Number of weights that a training job holds, over all replicates; 0 if it never draws them."""
    settings = condition_of(wildcards)
    replicates = len(job_of("train", wildcards).specification["replicates"])
    inputs = settings["dimension"] + settings["width"] * (settings["depth"] - 1)
    explicit = settings["weights"] == "explicit"
    return replicates * settings["width"] * inputs if explicit else 0


def memory_of(wildcards):
    """Memory of a training job in MB: the libraries, and weights that are held a few times over."""
    return 1000 + weights_of(wildcards) * 8 * 6 // 10**6


def runtime_of(wildcards):
    """Time for a training job in minutes, ample: the usual way at 10 GFLOP/s, 0.1 ms more a step."""
    settings = condition_of(wildcards)
    replicates = len(job_of("train", wildcards).specification["replicates"])
    samples = settings["batch_size"] or settings["samples"]
    operations = 10**6 * replicates + 6 * samples * weights_of(wildcards)
    return min(30 + settings["steps"] * operations // (60 * 10**10), 24 * 60)


def help_text():
    """The targets, a line each."""
    lines = [
        f"results of this config: {RESULTS}",
        "all: every figure, table and verdict, and the page",
        "claims: the verdicts alone",
        *(f"{figure}: this figure alone" for figure in PLAN.config.figures),
    ]
    return "\n".join(lines)
