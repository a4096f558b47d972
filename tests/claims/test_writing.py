import csv
import io
import json
from dataclasses import replace

import pytest

from feedback_alignment.claims import (
    CheckVerdict,
    ClaimsError,
    ClaimVerdict,
    console_text,
    read_verdicts,
    write_verdicts,
)
from feedback_alignment.claims.exclusions import in_words
from feedback_alignment.claims.writing import csv_text, json_text, markdown_text

GONE = {"diverged": {"relu-p100": [1, 3]}, "no_value": ["relu-p200"]}
DONE = CheckVerdict(
    null="an untrained network",
    label="exponent of eta*lambda in p, all widths",
    part="relu",
    statistic="slope",
    where={"rule": "fa", "l2": 0.0, "width": {"at_least": 100.0}},
    arguments={"metric": "weight_alignment", "along": "width"},
    threshold="in [-0.75, -0.25]",
    verdict="replicated",
    estimate=-0.123456789,
    ci_low=-1234567.89,
    ci_high=1.5e-12,
    n=8,
    excluded=GONE,
    left_out=in_words(GONE),
    conditions=({"condition": "relu-p100", "width": 100, "mean": 1 / 3, "sd": None},),
)
LATER = replace(
    DONE,
    part="",
    verdict="not run",
    reason="the config has no figure song_width",
    estimate=None,
    ci_low=None,
    ci_high=None,
    n=0,
    excluded={},
    left_out=(),
    conditions=(),
)
CLAIMS = [
    ClaimVerdict(
        "song.one", "Song 2021", 'It "vanishes", they say | p.', "f", "replicated", (DONE,)
    ),
    ClaimVerdict("ours.two", "ours", "It grows.", "song_width", "not run", (LATER, LATER)),
]


def test_csv_has_exactly_the_agreed_columns():
    rows = list(csv.DictReader(io.StringIO(csv_text(CLAIMS))))
    assert csv_text(CLAIMS).startswith(
        "claim,paper,statement,statistic,estimate,ci_low,ci_high,threshold,n,verdict,figure\n"
    )
    assert rows[0] == {
        "claim": "song.one",
        "paper": "Song 2021",
        "statement": 'It "vanishes", they say | p.',
        "statistic": "relu: exponent of eta*lambda in p, all widths "
        "(2 diverged replicates left out; 1 condition without a value for every replicate)",
        "estimate": "-0.123457",
        "ci_low": "-1.23457e+06",
        "ci_high": "1.5e-12",
        "threshold": "in [-0.75, -0.25]",
        "n": "8",
        "verdict": "replicated",
        "figure": "f",
    }
    assert [row["verdict"] for row in rows] == ["replicated", "not run", "not run"]
    assert (rows[1]["estimate"], rows[1]["ci_low"], rows[1]["n"]) == ("", "", "0")


@pytest.mark.parametrize(
    ("excluded", "failing", "said"),
    [
        ({}, False, ()),
        ({"diverged": {"a": [1], "b": [1, 2]}}, False, ("3 diverged replicates left out",)),
        ({"diverged": {"a": [1]}}, True, ("1 diverged replicate counted as failing",)),
        (
            {"diverged": {"a": [1], "b": [1, 2]}, "mostly_diverged": ["b"]},
            False,
            (
                "1 condition in which more than half of the replicates diverged left out",
                "1 diverged replicate left out",
            ),
        ),
        (
            {"no_value": ["a"], "not_measured": ["b", "c"], "unpaired_replicates": [5, 6]},
            False,
            (
                "1 condition without a value for every replicate",
                "2 conditions in which it is not recorded",
                "2 replicates that not every condition has",
            ),
        ),
    ],
)
def test_each_kind_of_exclusion_is_said(excluded, failing, said):
    assert in_words(excluded, failing=failing) == said


def test_every_list_says_what_a_check_left_out():
    said = "2 diverged replicates left out; 1 condition without a value for every replicate"
    assert json.loads(json_text(CLAIMS))["claims"][0]["checks"][0]["left_out"] == said.split("; ")
    for text in (csv_text(CLAIMS), markdown_text(CLAIMS)):
        assert f"({said})" in text
    assert said.split("; ")[0] in console_text(CLAIMS)


def test_json_holds_everything_with_six_digits():
    content = json.loads(json_text(CLAIMS))
    assert content["confidence"] == 0.95
    assert content["min_replicates"] == 5
    first, second = content["claims"]
    assert (first["id"], first["verdict"]) == ("song.one", "replicated")
    check = first["checks"][0]
    assert check["estimate"] == -0.123457
    assert check["excluded"]["diverged"] == {"relu-p100": [1, 3]}
    assert check["conditions"][0]["mean"] == 0.333333
    assert second["checks"][0]["reason"] == "the config has no figure song_width"
    assert second["checks"][0]["estimate"] is None


def test_markdown_escapes_what_would_be_markup():
    text = markdown_text(CLAIMS)
    assert "| song.one | Song 2021 | **replicated** |" in text
    assert "eta\\*lambda" in text
    assert 'It "vanishes", they say \\| p.' in text
    assert "[-1.23457e+06, 1.5e-12]" in text
    assert "not run: the config has no figure song\\_width" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in tables} == {4, 8}


def test_files_repeat_and_leave_nothing_else(tmp_path):
    for name in ("a", "b"):
        write_verdicts(CLAIMS, tmp_path / name, "a digest")
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == ["claims.csv", "claims.json", "claims.md"]
    for name in files:
        first, second = ((tmp_path / folder / name).read_bytes() for folder in "ab")
        assert first == second
        assert b"\r" not in first
        assert first.endswith(b"\n")


def test_verdicts_read_back(tmp_path):
    write_verdicts(CLAIMS, tmp_path, "")
    back = read_verdicts(tmp_path / "claims.json")
    assert json_text(back) == json_text(CLAIMS)
    assert csv_text(back) == csv_text(CLAIMS)
    assert console_text(back) == console_text(CLAIMS)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"claims": [{"id": "a"}]}'])
def test_other_files_are_refused(tmp_path, text):
    path = tmp_path / "claims.json"
    path.write_text(text)
    with pytest.raises(ClaimsError, match=r"is not a claims\.json of this version"):
        read_verdicts(path)
    with pytest.raises(ClaimsError, match="cannot be read: No such file or directory"):
        read_verdicts(tmp_path / "absent.json")


def test_console_table_fits_and_says_all():
    long = replace(DONE, label="word " * 60, reason="reason " * 40, verdict="inconclusive")
    text = console_text([*CLAIMS, replace(CLAIMS[0], id="song.long", checks=(long, long))])
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100
    assert all(line == line.rstrip() for line in lines)
    assert (
        "  relu            -0.123 [-1.23e+06, 1.5e-12]   in [-0.75, -0.25]         8     replicated"
        in lines
    )
    assert sum(line.strip().startswith("word") for line in lines) == len(long.label) // 98 + 1
    assert "  because the config has no figure song_width" in lines
    assert lines[-1] == "3 claims: 2 replicated, 1 not run"


def test_long_thresholds_do_not_touch_the_number_of_replicates():
    check = replace(DONE, threshold="none differs, >= 0.833333", verdict="not replicated")
    lines = console_text([replace(CLAIMS[0], checks=(check,))]).splitlines()
    assert max(map(len, lines)) <= 100
    assert any(line.endswith("  none differs, >= 0.833333 8     not replicated") for line in lines)


def test_console_table_of_nothing():
    assert console_text([]).splitlines()[-1] == "0 claims: none"
