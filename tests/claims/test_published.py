"""Our means beside published ones: which values are compared, the verdicts, and all mistakes."""

import csv
import io
import json
import re

import numpy as np
import pandas as pd
import pytest

from feedback_alignment.claims import ClaimsError, Part, claim, console_text, judge, read_verdicts
from feedback_alignment.claims.nulls import apart
from feedback_alignment.claims.published import agreement, highest_difference, joint_p
from feedback_alignment.claims.writing import csv_text, json_text, markdown_text
from feedback_alignment.published import PublishedPoint

ALL = Part()
COSINE = ALL.final("weight_alignment")
LAMBDAS, WIDTHS = (0.0, 0.2), (200, 400, 800)


def value(mean, step=None, sd=0.05, metric="weight_alignment", layer="output", **settings):
    return PublishedPoint(settings, metric, layer, step, mean, sd, 50)


def truth(width, l2):
    return 0.1 + l2 + 10 / width


PUBLISHED = {
    "made": [value(truth(w, l2), activation="linear", width=w, l2=l2) for w in WIDTHS
             for l2 in LAMBDAS]
}  # fmt: skip


def noise(replicate, width=0, l2=0.0):
    rng = np.random.default_rng([replicate, width])
    return 0.05 * (rng.standard_normal() + l2 * rng.standard_normal())


@pytest.fixture
def ours(sweep):
    """Our table at some widths, with a shift at every one of them or at one."""

    def build(widths=WIDTHS, replicates=30, shift=0.0, shifted=None):
        def cosine(replicate, width, l2):
            moved = shift * (shifted is None or (width, l2) == shifted)
            return truth(width, l2) + noise(replicate, width, l2) + moved

        settings = [{"width": w, "l2": l2} for w in widths for l2 in LAMBDAS]
        return sweep("weight_alignment", cosine, settings, replicates)

    return build


def judged(table, *comparisons, published=PUBLISHED):
    def made(part):
        """S."""
        for number, comparison in enumerate(comparisons):
            yield f"check {number}", comparison, apart(0.1)

    (found,) = judge([claim(paper="P", figure="fig")(made)], {"fig": table}, published)
    return found


AGREE = agreement(COSINE, "made", margin=0.05) >= 5 / 6
JOINT = joint_p(COSINE, "made") >= 0.01


def test_means_that_agree(ours):
    found = judged(ours(), AGREE, JOINT)
    share, joint = found.checks
    assert found.verdict == share.verdict == joint.verdict == "replicated"
    assert (share.estimate, share.n, share.left_out) == (1, 30, ())
    assert share.threshold == "none differs, >= 0.833333"
    assert share.reason == "6 of 6 points agree; 0 differing, 0 inconclusive"
    assert [point.point for point in share.points[:2]] == [
        "linear, width 200, l2 0",
        "linear, width 200, l2 0.2",
    ]
    point = share.points[1]
    assert (point.published_mean, point.published_sd) == (pytest.approx(0.35), 0.05)
    assert point.published_n == 50
    assert point.difference == pytest.approx(point.mean - 0.35)
    assert point.ci_low < point.difference < point.ci_high
    assert (point.threshold, point.verdict, point.n) == ("in [-0.05, 0.05]", "agrees", 30)
    assert 0.01 <= joint.estimate <= 1
    assert re.fullmatch(
        r"the sum over 6 points is [\d.]+, and of agreement 99% lie in \[[\d.]+, [\d.]+\]",
        joint.reason,
    )


def test_a_point_that_differs_refutes(ours):
    found = judged(ours(shift=0.2, shifted=(400, 0.2)), AGREE)
    assert found.verdict == "not replicated"
    assert found.checks[0].reason == "5 of 6 points agree; 1 differing, 0 inconclusive"
    assert found.checks[0].estimate == pytest.approx(5 / 6)
    assert [point.verdict for point in found.checks[0].points].count("differs") == 1


@pytest.mark.parametrize(("shifted", "verdict"), [((400, 0.2), "replicated"), (None, "inconcl")])
def test_one_point_in_six_may_be_open(ours, shifted, verdict):
    found = judged(ours(shift=0.05, shifted=shifted), AGREE)
    assert found.verdict.startswith(verdict)
    assert "differs" not in {point.verdict for point in found.checks[0].points}


def test_small_differences_everywhere_fail_the_joint_test(ours):
    found = judged(ours(shift=0.03), agreement(COSINE, "made", margin=0.08) >= 5 / 6, JOINT)
    assert [check.verdict for check in found.checks] == ["replicated", "not replicated"]
    assert found.verdict == "not replicated"
    assert found.checks[1].estimate < 0.01


def test_points_that_no_run_has_are_counted(ours):
    (check,) = judged(ours(widths=(200, 800)), AGREE).checks
    assert check.left_out == ("2 of 6 points not run",)
    assert (check.verdict, len(check.points)) == ("replicated", 4)


def test_nothing_run(ours, sweep):
    found = judged(ours(widths=(100,)), AGREE, JOINT)
    assert found.verdict == "not run"
    assert {c.reason for c in found.checks} == {"none of the 6 published points is run"}
    elsewhere = agreement(ALL.where(case="authors").final("weight_alignment"), "made", margin=0.05)
    (check,) = judged(ours(), elsewhere >= 0).checks
    assert (check.verdict, check.reason) == ("not run", "none of the 6 published points is run")
    loss = sweep("loss", lambda replicate, width: 1.0, [{"width": 200}])
    (check,) = judged(loss, AGREE).checks
    assert check.reason == "the tables do not record weight_alignment"


@pytest.mark.parametrize("replicates", [1, 2, 4])
def test_few_replicates_are_inconclusive(ours, replicates):
    difference = highest_difference(COSINE, "made") < 1
    found = judged(ours(replicates=replicates), AGREE, JOINT, difference)
    assert [check.verdict for check in found.checks] == ["inconclusive"] * 3
    assert {check.n for check in found.checks} == {replicates}
    assert {point.verdict for point in found.checks[0].points} == {"inconclusive"}
    assert f"replicates left: {replicates}; a verdict needs 5" in found.checks[1].reason
    assert (found.checks[0].points[0].ci_low is None) == (replicates == 1)


def diverging(table, make_run, make_table, lost, **settings):
    """The same table, in which some replicates of one condition diverged."""
    rows = [
        row
        for replicate in range(30)
        for row in make_run(
            replicate,
            {"weight_alignment": {0: 0.0, 7: np.nan} if replicate < lost else 0.35},
            **({"status": "diverged", "end_step": 7} if replicate < lost else {}),
            **settings,
        )
    ]
    chosen = (table["width"] == settings["width"]) & (table["l2"] == settings["l2"])
    return pd.concat([table[~chosen], make_table(rows)], ignore_index=True)


def test_diverged_replicates_are_left_out_and_said(ours, make_run, make_table):
    made = diverging(ours(), make_run, make_table, 2, width=200, l2=0.2)
    found = judged(made, AGREE, JOINT)
    share, joint = found.checks
    assert share.points[1].left_out == ("2 diverged replicates left out",)
    assert (share.points[1].n, share.points[0].n, share.n) == (28, 30, 28)
    assert share.points[1].mean == pytest.approx(0.35)
    assert share.left_out == joint.left_out == ("2 diverged replicates left out",)
    assert list(share.excluded["diverged"].values()) == [[0, 1]]
    assert joint.n == 28
    for text in (csv_text([found]), markdown_text([found])):
        assert "linear, width 200, l2 0.2 (2 diverged replicates left out)" in text


def test_where_most_diverged_a_point_is_open(ours, make_run, make_table):
    made = diverging(ours(), make_run, make_table, 20, width=200, l2=0.2)
    share, joint = judged(made, AGREE, JOINT).checks
    said = "1 condition in which more than half of the replicates diverged left out"
    assert share.points[1].left_out == (said,)
    assert (share.points[1].verdict, share.points[1].mean) == ("inconclusive", None)
    assert (share.verdict, share.estimate, joint.verdict) == ("replicated", 5 / 6, "replicated")
    assert "over 5 points" in joint.reason
    assert joint.n == 30


def test_all_diverged(ours, make_run, make_table):
    made = ours(widths=(200,))
    for l2 in LAMBDAS:
        made = diverging(made, make_run, make_table, 30, width=200, l2=l2)
    difference = highest_difference(COSINE, "made") < 1
    found = judged(made, AGREE, JOINT, difference)
    assert [check.verdict for check in found.checks] == ["inconclusive"] * 3
    assert found.checks[2].estimate is None


LOSS = ALL.final("loss")
CURVE = {
    "curve": [
        value(10.0**-i, step=100 * i, sd=None, metric="loss", layer="", width=200, l2=l2)
        for i in (1, 2, 3)
        for l2 in LAMBDAS
    ]
}


def curves(make_run, make_table, factor=1.0, steps=(100, 150, 200, 300)):
    rows = []
    for replicate in range(12):
        wiggle = np.exp(0.1 * np.random.default_rng(replicate).standard_normal())
        course = {step: factor * wiggle * 10 ** (-step / 100) for step in steps}
        for l2 in LAMBDAS:
            rows += make_run(replicate, {"loss": course}, width=200, l2=l2, steps=300)
    return make_table(rows)


def test_values_of_steps_are_read_at_just_these(make_run, make_table):
    made = curves(make_run, make_table)
    near = agreement(LOSS, "curve", margin=0.15, log=True, reading_error=0.02) >= 5 / 6
    (check,) = judged(made, near, published=CURVE).checks
    assert (check.verdict, check.estimate, len(check.points)) == ("replicated", 1, 6)
    assert [p.point for p in check.points[::2]] == [
        "width 200, l2 0, step 100",
        "width 200, l2 0, step 200",
        "width 200, l2 0, step 300",
    ]
    assert [p.mean for p in check.points[::2]] == pytest.approx([0.1, 0.01, 0.001], rel=0.1)
    assert all(abs(p.difference) < 0.05 for p in check.points)
    late = curves(make_run, make_table, steps=(100, 150, 199, 300))
    (check,) = judged(late, near, published=CURVE).checks
    assert check.left_out == ("2 of 6 points not run",)


def test_steps_and_filters_choose_values(make_run, make_table):
    made = curves(make_run, make_table)
    some = ALL.where(l2=0.2).final("loss")
    near = agreement(some, "curve", margin=0.15, log=True, steps=(200, 300)) >= 1
    (check,) = judged(made, near, published=CURVE).checks
    assert [p.point for p in check.points] == [
        "width 200, l2 0.2, step 200",
        "width 200, l2 0.2, step 300",
    ]
    assert check.arguments["steps"] == [200, 300]


def test_the_reading_error_widens_on_both_sides(make_run, make_table):
    made = curves(make_run, make_table)
    points = [
        judged(
            made,
            agreement(LOSS, "curve", margin=0.15, log=True, reading_error=error) >= 1,
            published=CURVE,
        ).checks[0].points[0]
        for error in (0.0, 0.02)
    ]  # fmt: skip
    exact, read = points
    assert exact.difference == read.difference
    assert read.ci_low == pytest.approx(exact.ci_low - 0.02)
    assert read.ci_high == pytest.approx(exact.ci_high + 0.02)


@pytest.mark.parametrize(
    ("factor", "verdict"), [(1.4, "inconclusive"), (2.0, "not replicated"), (0.0, "inconclusive")]
)
def test_losses_are_compared_by_their_logarithms(make_run, make_table, factor, verdict):
    near = agreement(LOSS, "curve", margin=0.15, log=True) >= 5 / 6
    (check,) = judged(curves(make_run, make_table, factor), near, published=CURVE).checks
    assert check.verdict == verdict
    if factor:
        assert check.points[0].difference == pytest.approx(np.log10(factor), abs=0.05)
    else:
        assert check.points[0].difference is None


@pytest.mark.parametrize(
    ("bound", "verdict"),
    [(-0.2, "replicated"), (-0.3, "inconclusive"), (-0.5, "not replicated")],
)
def test_every_point_must_have_the_difference(ours, bound, verdict):
    found = judged(ours(shift=-0.3), highest_difference(COSINE, "made") < bound)
    (check,) = found.checks
    assert check.verdict == verdict
    assert check.estimate == max(point.difference for point in check.points)
    assert check.ci_low < check.estimate < check.ci_high
    assert check.threshold == f"every point, < {bound:g}"
    if verdict == "replicated":
        assert {point.verdict for point in check.points} == {"replicated"}
        # Welch's of 95 %, wider than that for agreement.
        wide = check.points[0]
        narrow = judged(ours(shift=-0.3), AGREE).checks[0].points[0]
        assert wide.ci_high - wide.ci_low > narrow.ci_high - narrow.ci_low


def test_one_point_without_the_difference_refutes(ours):
    made = ours(shift=-0.3)
    here = (made["width"] == 400) & (made["l2"] == 0.2)
    made.loc[here, "value"] += 0.3
    found = judged(made, highest_difference(COSINE, "made") < -0.2)
    assert found.verdict == "not replicated"


def test_two_conditions_for_one_value_are_not_mixed(ours):
    made = ours()
    slow = made.assign(eta=0.5, condition=made["condition"] + "-slow")
    (check,) = judged(pd.concat([made, slow], ignore_index=True), AGREE).checks
    assert check.verdict == "not run"
    assert check.reason.startswith("the published value cannot be told to be of ")


def test_every_point_has_all_replicates_of_its_condition(ours):
    made = ours()
    made = made[(made["width"] != 200) | (made["replicate"] < 20)]
    (check,) = judged(made, AGREE).checks
    assert {point.n for point in check.points if "width 200" in point.point} == {20}
    assert {point.n for point in check.points if "width 200" not in point.point} == {30}
    assert (check.n, check.left_out) == (20, ())


def test_judging_repeats_in_any_order_of_rows(ours):
    made = ours()
    shuffled = made.sample(frac=1, random_state=3, ignore_index=True)
    assert judged(made, AGREE, JOINT) == judged(shuffled, AGREE, JOINT)


def test_files_show_every_point(ours, tmp_path):
    found = [judged(ours(shift=0.2, shifted=(400, 0.2)), AGREE, JOINT)]
    rows = list(csv.DictReader(io.StringIO(csv_text(found))))
    assert len(rows) == 2 + 6
    assert rows[4]["statistic"] == "check 0: linear, width 400, l2 0.2"
    assert (rows[4]["verdict"], rows[4]["threshold"]) == ("differs", "in [-0.05, 0.05]")
    assert float(rows[4]["estimate"]) == pytest.approx(0.2, abs=0.05)
    assert [row["verdict"] for row in rows].count("agrees") == 5
    text = markdown_text(found)
    head = "| point | published | sd | n | ours | sd | n | difference | interval | verdict |"
    assert text.count(head) == 1
    assert text.count("| agrees |") == 5
    (tmp_path / "claims.json").write_text(json_text(found))
    back = read_verdicts(tmp_path / "claims.json")
    assert json_text(back) == json_text(found)
    assert back[0].checks[0].points[0].published_n == 50
    assert len(json.loads(json_text(found))["claims"][0]["checks"][0]["points"]) == 6
    # The console has the summary alone.
    assert "width 400" not in console_text(found)
    assert "5 of 6 points agree; 1 differing" in console_text(found)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: agreement(COSINE, "t", margin=0), "margin must be above 0, not 0"),
        (lambda: agreement(COSINE, "t", margin=-1.5), "margin must be above 0, not -1.5"),
        (lambda: agreement(COSINE, "t", margin="a"), 'margin must be a number, not "a"'),
        (
            lambda: agreement(COSINE, "t", margin=1, reading_error=-1),
            "reading_error must be 0 or above, not -1",
        ),
        (
            lambda: joint_p(COSINE < 1, "t"),
            "joint_p is of a reading, as in part.final(...), not a Comparison",
        ),
        (
            lambda: joint_p(ALL.at("start", "loss"), "t"),
            "joint_p is of a metric at the end, and of all conditions in one",
        ),
        (
            lambda: highest_difference(ALL.final("rate_ratio"), "t"),
            "highest_difference is of a metric at the end, and of all conditions in one",
        ),
        (
            lambda: joint_p(ALL.each("activation").final("loss"), "t"),
            "joint_p is of a metric at the end, and of all conditions in one",
        ),
    ],
)
def test_a_mistake_in_a_declaration_is_said(make, message):
    with pytest.raises(ClaimsError, match=f"^{re.escape(message)}$"):
        make()


WRONG = {"wrong": [value(1.0, lamda=0.2)], "elsewhere": [value(1.0, width=9)]}
WRONG["steps"] = [value(1.0, step=5, metric="loss", layer="", width=9)]


@pytest.mark.parametrize(
    ("statistic", "message"),
    [
        (joint_p(COSINE, "mad"), 'unknown table of published values "mad"; did you mean "made"?'),
        (
            joint_p(COSINE, "z"),
            'unknown table of published values "z"; allowed: made, wrong, elsewhere, steps',
        ),
        (joint_p(COSINE, "wrong"), 'unknown column in wrong "lamda"; allowed: rule, l2, '),
        (joint_p(LOSS, "made"), "made has no value of loss for these conditions"),
        (
            joint_p(ALL.final("weight_alignment", layer=2), "made"),
            "made has no value of weight_alignment for these conditions",
        ),
        (
            joint_p(ALL.where(width=100).final("weight_alignment"), "made"),
            "made has no value of weight_alignment for these conditions",
        ),
        (
            agreement(LOSS, "steps", margin=1, steps=[5, 7]),
            "steps has no value of loss at step 7",
        ),
        (
            agreement(COSINE, "made", margin=1, steps=[5]),
            "made has no value of weight_alignment for these conditions",
        ),
    ],
)
def test_published_values_that_do_not_fit_are_said(ours, statistic, message):
    with pytest.raises(ClaimsError, match=f"^{re.escape(message)}"):
        judged(ours(), statistic > 0, published=PUBLISHED | WRONG)
