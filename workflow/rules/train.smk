# Training: one condition for a block of replicates, recorded step by step.
rule train:
    input:
        script=ancient(ROOT / "scripts/train.py"),
        spec=f"{WANTED}/train/{{run}}.json",
        data=ancient(lambda w: f"{RESULTS}/data/{dataset_of(w)}.npz"),
        made_from=lambda w: made_from("data", [dataset_of(w)]),
    output:
        arrays=f"{RESULTS}/runs/{{run}}.npz",
        made_from=f"{RESULTS}/specs/train/{{run}}.json",
    log:
        f"{RESULTS}/logs/train/{{run}}.log",
    conda:
        "../../environment.yml"
    message:
        "train {wildcards.run}"
    shell:
        "python {input.script} --spec {input.spec} --data {input.data}"
        " --out {output.arrays} > {log} 2>&1 && cp {input.spec} {output.made_from}"
