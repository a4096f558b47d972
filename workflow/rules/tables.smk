# Metric extraction: the runs of an experiment become one tidy table.
rule tables:
    input:
        script=code("tables"),
        spec=spec("tables"),
        runs=read("tables", "train"),
    output:
        parquet=f"{RESULTS}/metrics/{{experiment}}.parquet",
        csv=f"{RESULTS}/metrics/{{experiment}}.csv",
        receipt=f"{RESULTS}/receipts/tables/{{experiment}}.json",
    log:
        f"{RESULTS}/logs/tables/{{experiment}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/tables/{{experiment}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        results=subpath(output.parquet, ancestor=2),
    message:
        "table of {wildcards.experiment}"
    shell:
        "python {input.script:q} --spec {input.spec:q} --results {params.results:q}"
        " --parquet {output.parquet:q} --csv {output.csv:q} --receipt {output.receipt:q}"
        " > {log:q} 2>&1"
