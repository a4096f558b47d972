# Figures: each notebook runs on the tables that feed it and saves its figure.
rule figure:
    input:
        script=code("figure"),
        spec=spec("figure"),
        notebook=code("figure", "notebooks/{}.ipynb"),
        published=files("figure", "resources/published"),
        tables=read("figure", "tables"),
        receipts=receipts("figure"),
    output:
        svg=report(
            f"{RESULTS}/figures/{{figure}}.svg",
            caption="caption.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
        pdf=f"{RESULTS}/figures/{{figure}}.pdf",
        png=f"{RESULTS}/figures/{{figure}}.png",
        ipynb=f"{RESULTS}/notebooks/{{figure}}.ipynb",
        html=f"{RESULTS}/notebooks/{{figure}}.html",
        receipt=f"{RESULTS}/receipts/figure/{{figure}}.json",
    log:
        f"{RESULTS}/logs/figures/{{figure}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/figure/{{figure}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        folder=subpath(output.svg, parent=True),
    message:
        "figure {wildcards.figure}"
    shell:
        "python {input.script:q} --spec {input.spec:q} --notebook {input.notebook:q}"
        " --figure {wildcards.figure:q} --out-figures {params.folder:q}"
        " --out-ipynb {output.ipynb:q} --out-html {output.html:q}"
        " --tables {input.tables:q} --upstream {input.receipts:q} --receipt {output.receipt:q}"
        " > {log:q} 2>&1"
