# The record of what was run and with what, and the page that shows everything.
rule record:
    input:
        script=ancient(ROOT / "scripts/record.py"),
        spec=f"{WANTED}/record/record.json",
        tables=ancient(tables(EXPERIMENTS)),
        figures=ancient(figure_files(PLAN.config.figures)),
        claims=ancient(f"{RESULTS}/claims.csv"),
        made_from=[
            *made_from("metrics", EXPERIMENTS),
            *made_from("figures", PLAN.config.figures),
            *made_from("claims", ["claims"]),
        ],
    output:
        manifest=f"{RESULTS}/manifest.json",
        settings=f"{RESULTS}/settings.json",
        environment=f"{RESULTS}/environment.json",
        status=f"{RESULTS}/status.json",
        made_from=f"{RESULTS}/specs/record/record.json",
    log:
        f"{RESULTS}/logs/record.log",
    conda:
        "../../environment.yml"
    params:
        results=subpath(output.manifest, parent=True),
    message:
        "record of settings, environment and digests"
    shell:
        "python {input.script} --spec {input.spec}"
        " --results {params.results} > {log} 2>&1 && cp {input.spec} {output.made_from}"


rule page:
    input:
        script=ancient(ROOT / "scripts/page.py"),
        spec=f"{WANTED}/page/page.json",
        claims=ancient(f"{RESULTS}/claims.json"),
        sources=ancient(ROOT / "config/sources.yaml"),
        settings=ancient(f"{RESULTS}/settings.json"),
        environment=ancient(f"{RESULTS}/environment.json"),
        status=ancient(f"{RESULTS}/status.json"),
        made_from=made_from("record", ["record"]),
    output:
        html=f"{RESULTS}/index.html",
        made_from=f"{RESULTS}/specs/page/page.json",
    log:
        f"{RESULTS}/logs/page.log",
    conda:
        "../../environment.yml"
    params:
        results=subpath(output.html, parent=True),
        captions=ROOT / "workflow/report",
        figures=PLAN.config.figures,
    message:
        "results page"
    shell:
        "python {input.script} --claims {input.claims}"
        " --figures-dir {params.results}/figures --notebooks-dir {params.results}/notebooks"
        " --captions-dir {params.captions} --settings {input.settings}"
        " --sources {input.sources} --environment {input.environment}"
        " --status {input.status} --out {output.html} --figures {params.figures}"
        " > {log} 2>&1 && cp {input.spec} {output.made_from}"
