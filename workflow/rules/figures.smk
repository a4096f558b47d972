# Figures: each notebook runs on the tables that feed it and saves its figure.
rule figure:
    input:
        script=ancient(ROOT / "scripts/figure.py"),
        spec=f"{WANTED}/figures/{{figure}}.json",
        notebook=ancient(f"{ROOT}/notebooks/{{figure}}.ipynb"),
        tables=ancient(lambda w: tables(experiments_of(w))),
        made_from=lambda w: made_from("metrics", experiments_of(w)),
    output:
        svg=f"{RESULTS}/figures/{{figure}}.svg",
        pdf=f"{RESULTS}/figures/{{figure}}.pdf",
        png=f"{RESULTS}/figures/{{figure}}.png",
        ipynb=f"{RESULTS}/notebooks/{{figure}}.ipynb",
        html=f"{RESULTS}/notebooks/{{figure}}.html",
        made_from=f"{RESULTS}/specs/figures/{{figure}}.json",
    log:
        f"{RESULTS}/logs/figures/{{figure}}.log",
    conda:
        "../../environment.yml"
    params:
        folder=subpath(output.svg, parent=True),
    message:
        "figure {wildcards.figure}"
    shell:
        "python {input.script} --notebook {input.notebook}"
        " --figure {wildcards.figure} --out-figures {params.folder} --out-ipynb {output.ipynb}"
        " --out-html {output.html} --tables {input.tables}"
        " > {log} 2>&1 && cp {input.spec} {output.made_from}"
