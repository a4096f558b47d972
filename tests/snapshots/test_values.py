"""Numbers of documents: taken from snapshots, and refused where they lead nowhere."""

import re

import pytest

from feedback_alignment.errors import InputError
from feedback_alignment.snapshots.values import filled, value

CLAIMS = """\
claim,statistic,estimate,verdict
song.mnist,"accuracy, at the end (FA)",0.91649,replicated
song.mnist,alignment,0.55,replicated
song.loss,slope,,not run
"""


@pytest.fixture
def snapshots(tmp_path):
    (tmp_path / "paper").mkdir()
    (tmp_path / "paper/claims.csv").write_text(CLAIMS)
    return tmp_path


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("paper/claims.csv; claim=song.mnist; statistic~accuracy, at; estimate .3f", "0.916"),
        ("paper/claims.csv; claim=song.mnist; statistic=alignment; estimate", "0.55"),
        ("paper/claims.csv; claim=song.loss; verdict", "not run"),
        ("paper/claims.csv; verdict=replicated; rows", "2"),
        ("paper/claims.csv; verdict=differs; rows", "0"),
    ],
)
def test_a_reference_leads_to_a_cell_or_a_number_of_rows(snapshots, reference, text):
    assert value(reference, snapshots) == text


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("paper/no.csv; verdict", "{}/paper/no.csv: cannot be read: No such file or directory"),
        ("paper/claims.csv; estimate", "3 rows are left; allowed: one"),
        ("paper/claims.csv; claim=x; estimate", "0 rows are left; allowed: one"),
        ("paper/claims.csv; claim>x; estimate", '"claim>x": allowed: column=cell, or column~part'),
        ("paper/claims.csv; name=x; rows", 'there is no column "name"; allowed: claim, statistic'),
        ("paper/claims.csv; claim=song.loss; mean", 'there is no column "mean"; allowed: claim,'),
        ("paper/claims.csv; claim=song.loss; estimate .3f", '".3f" is no format of ""'),
        ("paper/claims.csv; statistic=alignment; estimate 3x", '"3x" is no format of "0.55"'),
    ],
)
def test_a_reference_that_leads_nowhere_is_one_line(snapshots, reference, said):
    start = re.escape(f"value: {reference}: {said.format(snapshots)}")
    with pytest.raises(InputError, match=f"^{start}"):
        value(reference, snapshots)


def test_a_marked_place_is_filled_whatever_stood_there(snapshots):
    mark = "<!-- value: paper/claims.csv; claim=song.mnist; statistic=alignment; estimate .2f -->"
    text = f"| it is {mark}.31<!-- end --> |\n<!-- generated: metrics -->\n<!-- end -->\n"
    assert filled(text, snapshots) == text.replace(".31", "0.55")
    assert filled(filled(text, snapshots), snapshots) == text.replace(".31", "0.55")
