"""Seeds follow from what decides a verdict, and only from that."""

import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest

from feedback_alignment.claims import ClaimsError, ClaimVerdict, load_claims
from feedback_alignment.claims.root_seeds import (
    SEEDS,
    digest_of_claims,
    fragile,
    read_seeds,
    root_seeds,
    table_of_seeds,
)
from feedback_alignment.claims.threshold import at_least

ROOT = Path(__file__).parents[2]
CLAIMS = load_claims()
CLAIM = next(claim for claim in CLAIMS if claim.id == "song.kernels")


def with_check(**changes):
    return [replace(CLAIM, checks=(replace(CLAIM.checks[0], **changes), *CLAIM.checks[1:]))]


def test_five_seeds_that_fit_a_config():
    seeds = root_seeds(CLAIMS)
    assert len(set(seeds)) == SEEDS == 5
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert root_seeds(CLAIMS) == seeds


def test_a_changed_threshold_meets_new_data_and_a_reworded_statement_does_not():
    seeds = root_seeds([CLAIM])
    assert not set(seeds) & set(root_seeds(with_check(threshold=at_least(0.2))))
    assert root_seeds([replace(CLAIM, statement="Else.", declared="elsewhere:1")]) == seeds


def test_the_table_is_read_back_until_the_claims_change(tmp_path):
    path = tmp_path / "seeds.csv"
    words = ["replicated"] * 3 + ["inconclusive", "not replicated"]
    verdicts = [[ClaimVerdict(CLAIM.id, "P", "S.", "fig", word, ())] for word in words]
    path.write_text(table_of_seeds([CLAIM], verdicts))
    assert read_seeds(path, digest_of_claims([CLAIM])) == {CLAIM.id: tuple(words)}
    assert read_seeds(path, digest_of_claims(with_check(threshold=at_least(0.2)))) == {}


def test_a_verdict_is_fragile_with_fewer_than_four_alike():
    assert fragile(["replicated"] * 3 + ["inconclusive"] * 2)
    assert not fragile(["replicated"] * 4 + ["inconclusive"])
    assert not fragile(["not run"] * 5)


def test_another_table_is_one_line(tmp_path):
    path = tmp_path / "seeds.csv"
    path.write_text("claim,verdict\n")
    with pytest.raises(ClaimsError, match=r"seeds.csv: is not a table of make seeds"):
        read_seeds(path, digest_of_claims([CLAIM]))


def test_findings_tell_what_the_table_has():
    path = ROOT / "resources/seeds.csv"
    with path.open(encoding="utf-8", newline="") as file:
        digest = next(csv.DictReader(file))["claims"]
    found = read_seeds(path, digest)
    ran = {claim: verdicts for claim, verdicts in found.items() if set(verdicts) != {"not run"}}
    loose = {claim for claim, verdicts in ran.items() if fragile(verdicts)}
    text = (ROOT / "docs/findings.md").read_text()
    said = " ".join(text.partition("# Under other root seeds")[2].split())
    assert f"{len(ran)} of the {len(found)} claims run there" in said
    assert f"and {len(ran) - len(loose)} have one verdict under four seeds at least" in said
    named = re.search(r"are fragile: (.*?) are replicated", said)
    assert named is not None
    assert set(re.findall(r"`([^`]+)`", named[1])) == loose
