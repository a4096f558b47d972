# Data generation: inputs and targets for a block of replicates.
rule data:
    input:
        script=ancient(ROOT / "scripts/data.py"),
        spec=f"{WANTED}/data/{{dataset}}.json",
    output:
        arrays=f"{RESULTS}/data/{{dataset}}.npz",
        made_from=f"{RESULTS}/specs/data/{{dataset}}.json",
    log:
        f"{RESULTS}/logs/data/{{dataset}}.log",
    conda:
        "../../environment.yml"
    params:
        place=place_of,
    message:
        "data {wildcards.dataset}"
    shell:
        "python {input.script} --spec {input.spec} {params.place} --out {output.arrays}"
        # The log has no use for the progress of a download.
        " --progress 3 3>&2 > {log} 2>&1 && cp {input.spec} {output.made_from}"
