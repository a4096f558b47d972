# Verdicts: each claim judged on the tables that feed its figure.
rule claims:
    input:
        script=ancient(ROOT / "scripts/claims.py"),
        spec=f"{WANTED}/claims/claims.json",
        tables=ancient(tables(EXPERIMENTS)),
        made_from=made_from("metrics", EXPERIMENTS),
    output:
        csv=f"{RESULTS}/claims.csv",
        json=f"{RESULTS}/claims.json",
        md=f"{RESULTS}/claims.md",
        made_from=f"{RESULTS}/specs/claims/claims.json",
    log:
        f"{RESULTS}/logs/claims.log",
    conda:
        "../../environment.yml"
    params:
        results=subpath(output.csv, parent=True),
    message:
        "verdicts"
    shell:
        "python {input.script} --spec {input.spec} --results {params.results}"
        " > {log} 2>&1 && cp {input.spec} {output.made_from}"
