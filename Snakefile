# Every figure, table and verdict of a config: snakemake [TARGET] --cores N [--configfile FILE]
from snakemake.utils import min_version

min_version("9.20")


include: "workflow/rules/common.smk"


localrules:
    all,
    help,


# Snakemake 9 limits how many jobs start in a second, and for that wakes its scheduler each second
# anew for every job that has ended: after 500 jobs that had taken a third of a core.
onstart:
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None


rule all:
    default_target: True
    input:
        made_by(PLAN.named),
    message:
        "everything is in {RESULTS}"


rule help:
    message:
        help_text()


for figure in PLAN.config.figures:

    rule:
        name:
            figure
        input:
            made_by([PLAN.jobs["figure"][figure]]),
        localrule: True


include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/report.smk"
