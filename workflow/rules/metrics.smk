# Metric extraction: the runs of an experiment become one tidy table.
rule metrics:
    input:
        script=ancient(ROOT / "scripts/metrics.py"),
        spec=f"{WANTED}/metrics/{{experiment}}.json",
        runs=ancient(lambda w: [f"{RESULTS}/runs/{run}.npz" for run in runs_of(w)]),
        made_from=lambda w: made_from("train", runs_of(w)),
    output:
        parquet=f"{RESULTS}/metrics/{{experiment}}.parquet",
        csv=f"{RESULTS}/metrics/{{experiment}}.csv",
        made_from=f"{RESULTS}/specs/metrics/{{experiment}}.json",
    log:
        f"{RESULTS}/logs/metrics/{{experiment}}.log",
    conda:
        "../../environment.yml"
    params:
        results=subpath(output.parquet, ancestor=2),
    message:
        "metrics of {wildcards.experiment}"
    shell:
        "python {input.script} --spec {input.spec}"
        " --results {params.results} --parquet {output.parquet} --csv {output.csv}"
        " > {log} 2>&1 && cp {input.spec} {output.made_from}"
