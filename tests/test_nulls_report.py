"""The command that judges nulls: what it needs, and what it writes."""

from pathlib import Path

import pytest

from feedback_alignment import nulls_report
from feedback_alignment.__main__ import main
from feedback_alignment.claims import load_claims
from feedback_alignment.claims.null_rates import NullRate
from feedback_alignment.project import read_project

ROOT = Path(__file__).parents[1]
RATES = [
    NullRate("song.one", "exponent", "labels of width shuffled", "< -0.25", 200, 8, 0.02, 0.0044),
    NullRate("chu.two", "share|of", "case frozen", ">= 0.9", 200, 20, 0.2, 0.0126),
    NullRate("chu.two", "gain", "case frozen", "> 0", reason="no condition of the config matches"),
]


@pytest.fixture
def call(tmp_path, monkeypatch):
    """The command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["feedback_alignment", "nulls", *map(str, arguments)])
        main()

    return run


def test_a_config_that_has_not_run_is_one_line(call):
    with pytest.raises(SystemExit) as end:
        call(ROOT / "config/smoke.yaml")
    assert str(end.value).startswith("error: results/smoke/metrics/")
    assert str(end.value).endswith(
        ".parquet: is not there, or damaged; run snakemake with this config first"
    )


def test_a_damaged_table_is_one_line(call, tmp_path):
    plan = read_project(ROOT, [ROOT / "config/smoke.yaml"])
    for experiment in plan.experiments:
        path = tmp_path / f"results/smoke/metrics/{experiment.name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"PAR1")
    with pytest.raises(SystemExit) as end:
        call(ROOT / "config/smoke.yaml")
    assert ".parquet: is not there, or damaged" in str(end.value)


def test_a_folder_that_cannot_be_written_to_is_one_line(call, monkeypatch, tmp_path):
    monkeypatch.setattr("feedback_alignment.tables.read_tables", list)
    monkeypatch.setattr(nulls_report, "_tables", lambda config, figure: [config.name])
    monkeypatch.setattr(nulls_report, "null_rates", lambda *tables: RATES)
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(SystemExit) as end:
        call(ROOT / "config/smoke.yaml", "--into", tmp_path / "taken")
    assert str(end.value).startswith("error: ")
    assert "taken" in str(end.value)
    assert "\n" not in str(end.value)


def test_rates_are_written_and_those_too_high_are_named(call, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("feedback_alignment.tables.read_tables", list)
    monkeypatch.setattr(nulls_report, "_tables", lambda config, figure: [config.name])
    asked = {}

    def judged(claims, own, more, published, samples):
        asked.update(own=own["song_kernels"], more=more["song_kernels"], samples=samples)
        return RATES

    monkeypatch.setattr(nulls_report, "null_rates", judged)
    with pytest.raises(SystemExit) as end:
        call(ROOT / "config/smoke.yaml", "--samples", 7, "--into", tmp_path)
    assert end.value.code == 1
    assert asked == {"own": ["smoke"], "more": ["smoke", "nulls"], "samples": 7}
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "passes too often (0.200): chu.two: share|of: case frozen",
        "not run: chu.two: gain: no condition of the config matches",
        f"{tmp_path}/smoke.md: 1 of 2 checks pass too often on their null",
    ]
    rows = (tmp_path / "smoke.csv").read_text().splitlines()
    assert rows[0] == "claim,check,null,threshold,population,size,share,error,reason"
    assert rows[1] == "song.one,exponent,labels of width shuffled,< -0.25,200,8,0.02,0.0044,"
    assert len(rows) == 4
    text = (tmp_path / "smoke.md").read_text()
    assert "| chu.two | share\\|of | >= 0.9 | case frozen | 200 | 20 | 0.2 (0.0126) |" in text


def test_every_null_that_a_claim_names_is_run_by_some_config():
    """What `instead(...)` names is a case of config/nulls.yaml or of the default config."""
    configs = [read_project(ROOT, [ROOT / f"config/{name}.yaml"]) for name in ("config", "nulls")]
    cases = {c.case for config in configs for e in config.experiments for c in e.conditions}
    named = {
        value
        for claim in load_claims()
        for check in claim.checks
        for column, accept in check.null.reread(check.statistic.reading).where.items()
        if column == "case"
        for value in accept.values
        if claim.figure != "song_mnist"
    }
    assert named <= cases
