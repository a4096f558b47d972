# Training: one condition for a block of replicates, recorded step by step.
rule train:
    input:
        script=code("train"),
        spec=spec("train"),
        data=read("train", "data"),
    output:
        arrays=f"{RESULTS}/runs/{{run}}.npz",
    log:
        f"{RESULTS}/logs/train/{{run}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{run}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_of,
        runtime=runtime_of,
        # The profile offers one: trainings on it take turns.
        gpu=lambda wildcards: int(condition_of(wildcards)["device"] == "cuda"),
    message:
        "train {wildcards.run}"
    shell:
        "python {input.script:q} --spec {input.spec:q} --data {input.data:q}"
        " --out {output.arrays:q} > {log:q} 2>&1"
