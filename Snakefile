# Every figure, table and verdict of a config: snakemake [TARGET] --cores N [--configfile FILE]
from snakemake.utils import min_version

min_version("9.20")


include: "workflow/rules/common.smk"


localrules:
    all,
    help,


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
