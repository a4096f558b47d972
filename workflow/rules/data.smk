# Data generation: inputs and targets for a block of replicates.
rule data:
    input:
        script=code("data"),
        spec=spec("data"),
    output:
        arrays=f"{RESULTS}/data/{{dataset}}.npz",
    log:
        f"{RESULTS}/logs/data/{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/data/{{dataset}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        place=place,
    message:
        "data {wildcards.dataset}"
    shell:
        "python {input.script:q} --spec {input.spec:q} {params.place:q} --out {output.arrays:q}"
        # The log has no use for the progress of a download.
        " --progress 3 3>&2 > {log:q} 2>&1"
