# Verdicts: each claim judged on the tables that feed its figure.
rule claims:
    input:
        script=code("claims"),
        spec=spec("claims"),
        published=files("claims", "resources/published"),
        tables=read("claims", "tables"),
        receipts=receipts("claims"),
    output:
        csv=f"{RESULTS}/claims.csv",
        json=f"{RESULTS}/claims.json",
        md=f"{RESULTS}/claims.md",
        receipt=f"{RESULTS}/receipts/claims/claims.json",
    log:
        f"{RESULTS}/logs/claims.log",
    benchmark:
        f"{RESULTS}/benchmarks/claims/claims.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        results=subpath(output.csv, parent=True),
    message:
        "verdicts"
    shell:
        "python {input.script:q} --spec {input.spec:q}"
        " --results {params.results:q} --published {input.published:q}"
        " --upstream {input.receipts:q} --receipt {output.receipt:q}"
        " > {log:q} 2>&1"
