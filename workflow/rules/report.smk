# The record of what was run and with what, and the page that shows everything.
rule record:
    input:
        script=code("record"),
        spec=spec("record"),
        lock=code("record", LOCK_FILE),
        made=ancient([path for path in made_by(PLAN.named) if "/metrics/" in path]),
        figures=ancient(made_by(PLAN.jobs["figure"].values())),
        claims=ancient(made_by(PLAN.jobs["claims"].values())),
        receipts=receipts("record"),
    output:
        manifest=f"{RESULTS}/manifest.json",
        settings=f"{RESULTS}/settings.json",
        environment=f"{RESULTS}/environment.json",
        status=f"{RESULTS}/status.json",
        receipt=f"{RESULTS}/receipts/record/record.json",
    log:
        f"{RESULTS}/logs/record.log",
    benchmark:
        f"{RESULTS}/benchmarks/record/record.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        results=subpath(output.manifest, parent=True),
    message:
        "record of settings, environment and digests"
    shell:
        "python {input.script:q} --spec {input.spec:q} --lock {input.lock:q}"
        " --results {params.results:q} --upstream {input.receipts:q} --receipt {output.receipt:q}"
        " > {log:q} 2>&1"


rule page:
    input:
        script=code("page"),
        spec=spec("page"),
        sources=code("page", SOURCES_FILE),
        seeds=code("page", SEEDS_FILE),
        captions=files("page", CAPTIONS),
        figures=ancient(made_by(PLAN.jobs["figure"].values())),
        claims=ancient(f"{RESULTS}/claims.json"),
        settings=ancient(f"{RESULTS}/settings.json"),
        environment=ancient(f"{RESULTS}/environment.json"),
        status=ancient(f"{RESULTS}/status.json"),
        receipts=receipts("page"),
    output:
        html=report(f"{RESULTS}/index.html", category="Page"),
        receipt=f"{RESULTS}/receipts/page/page.json",
    log:
        f"{RESULTS}/logs/page.log",
    benchmark:
        f"{RESULTS}/benchmarks/page/page.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        results=subpath(output.html, parent=True),
        figures=PLAN.config.figures,
    message:
        "results page"
    shell:
        "python {input.script:q} --spec {input.spec:q} --results {params.results:q}"
        " --figures {params.figures:q} --captions {input.captions:q}"
        " --sources {input.sources:q} --seeds {input.seeds:q}"
        " --upstream {input.receipts:q} --receipt {output.receipt:q} > {log:q} 2>&1"
