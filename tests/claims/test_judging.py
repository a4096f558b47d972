import gc
import json
import weakref
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback_alignment.claims import Check, Claim, Part, Threshold, console_text, judge, overall
from feedback_alignment.claims.estimates import Estimate, share_of
from feedback_alignment.claims.nulls import untrained
from feedback_alignment.claims.statistics import (
    auc,
    correlation,
    lowest_gain,
    lowest_margin,
    lowest_mean,
    lowest_step_ratio,
    rank_correlation,
    share_among,
    share_of_replicates,
    slope,
)
from feedback_alignment.claims.threshold import above
from feedback_alignment.claims.verdicts import decide
from feedback_alignment.claims.writing import csv_text, json_text, markdown_text

WIDTHS = [{"width": w} for w in (100, 200, 400, 800)]
ALL = Part()


def check(label, comparison):
    return Check(label, comparison.of, comparison.threshold, untrained())


def exponent(part=ALL, metric="weight_alignment", along="width"):
    return check("exponent", slope(part.final(metric), along=along) < -0.25)


def share(criterion, **needed):
    return check("share", share_of_replicates(criterion, **needed) > 0.5)


def floor(part=ALL, metric="loss", **layer):
    return check("floor", lowest_mean(part.final(metric, **layer)) >= 1)


SLOPE = exponent()
SHARE = share(ALL.final("decay_bend") >= 0.95)
LOWEST = floor()


def claims(*checks):
    return [Claim("a.claim", "P", "S.", "fig", checks)]


def check_of(table, *checks):
    (verdict,) = judge(claims(*checks), {"fig": table})
    return verdict.checks[0]


def noisy(exponent, noise=0.05):
    def value(replicate, width, **_):
        wiggle = np.random.default_rng([replicate, width]).standard_normal()
        return width**exponent * np.exp(noise * wiggle)

    return value


def test_clear_law_is_replicated(sweep):
    found = check_of(sweep("weight_alignment", noisy(-0.5), WIDTHS), SLOPE)
    assert found.verdict == "replicated"
    assert found.reason == ""
    assert found.ci_low < found.estimate < found.ci_high < -0.25
    assert found.estimate == pytest.approx(-0.5, abs=0.05)
    assert found.n == 8
    assert [c["width"] for c in found.conditions] == [100, 200, 400, 800]
    assert found.conditions[0]["mean"] == pytest.approx(0.1, rel=0.1)
    assert 0 < found.conditions[0]["sd"] < 0.02


def test_other_side_is_not_replicated(sweep):
    found = check_of(sweep("weight_alignment", noisy(0.1), WIDTHS), SLOPE)
    assert (found.verdict, found.reason) == ("not replicated", "")


def test_interval_across_the_threshold_is_inconclusive(sweep):
    found = check_of(sweep("weight_alignment", noisy(-0.25, noise=0.3), WIDTHS), SLOPE)
    assert found.ci_low < -0.25 < found.ci_high
    assert found.verdict == "inconclusive"
    assert found.reason == "the interval lies across the threshold"


@pytest.mark.parametrize("exponent", [-0.5, 0.5])
@pytest.mark.parametrize("replicates", [1, 2, 4])
def test_few_replicates_are_inconclusive_on_either_side(sweep, exponent, replicates):
    table = sweep("weight_alignment", noisy(exponent), WIDTHS, replicates=replicates)
    found = check_of(table, SLOPE)
    assert found.verdict == "inconclusive"
    assert found.reason == f"replicates left: {replicates}; a verdict needs 5"
    assert found.n == replicates
    assert found.estimate == pytest.approx(exponent, abs=0.2)
    assert (found.ci_low is None) == (replicates == 1)


def test_five_replicates_can_decide(sweep):
    assert (
        check_of(sweep("loss", lambda replicate: 2.0, [{}], replicates=5), LOWEST).verdict
        == "replicated"
    )


@given(st.floats(-5, 5))
@settings(max_examples=15, deadline=None)
def test_replicates_that_agree_decide_by_their_value(value):
    # No random number is left, so the interval is a point, and no warning is raised.
    found = decide(Threshold("at_least", 1), Estimate(value, (value, value), 8))
    assert found == ("replicated" if value >= 1 else "not replicated", "")


@pytest.mark.parametrize(("value", "verdict"), [(2.0, "replicated"), (0.5, "not replicated")])
def test_degenerate_interval(sweep, value, verdict):
    found = check_of(sweep("loss", lambda replicate: value, [{}]), LOWEST)
    assert found.verdict == verdict
    assert (found.estimate, found.ci_low, found.ci_high) == (value, value, value)


@pytest.mark.parametrize(
    ("failing", "verdict"), [(0, "replicated"), (1, "inconclusive"), (8, "not replicated")]
)
def test_share_of_replicates(sweep, failing, verdict):
    found = check_of(
        sweep("decay_bend", lambda replicate: 0.9 + 0.1 * (replicate >= failing), [{}]), SHARE
    )
    assert found.verdict == verdict
    assert found.estimate == 1 - failing / 8
    assert (found.ci_low, found.ci_high) == share_of(np.arange(8)[None] >= failing).interval


def test_figure_that_the_config_does_not_have():
    (verdict,) = judge(claims(SLOPE, floor(ALL.each("activation"))), {})
    assert verdict.verdict == "not run"
    assert [c.verdict for c in verdict.checks] == ["not run", "not run"]
    assert verdict.checks[0].reason == "the config has no figure fig"
    assert verdict.checks[0].estimate is None


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        (exponent(ALL.where(rule="dfa")), "no condition of the config matches"),
        (
            exponent(ALL.where(width=100)),
            "needs two values of width among otherwise equal conditions",
        ),
        (SHARE, "the tables do not record decay_bend"),
        (
            exponent(along="l2"),
            "needs two values of l2 among otherwise equal conditions",
        ),
        (
            check("exponent", slope(ALL.at("cutoff", "weight_alignment"), along="width") < 0),
            "no condition has a value of weight_alignment for every replicate",
        ),
    ],
)
def test_what_the_tables_cannot_answer_is_not_run(sweep, check, reason):
    found = check_of(sweep("weight_alignment", noisy(-0.5), WIDTHS), check)
    assert (found.verdict, found.reason, found.estimate) == ("not run", reason, None)


def test_statistic_without_a_value_is_inconclusive(sweep):
    table = sweep("weight_alignment", lambda replicate, width: 0.1 - 0.05 * replicate, WIDTHS)
    found = check_of(table, SLOPE)
    assert found.verdict == "inconclusive"
    assert found.reason == "the statistic has no value for these replicates"
    assert found.estimate is None


def test_each_value_gets_its_own_verdict_in_order(sweep):
    exponents = {"tanh": -0.5, "linear": 0.3, "erf": -0.5}
    settings = [{**w, "activation": a} for a in exponents for w in WIDTHS]
    table = sweep(
        "weight_alignment",
        lambda replicate, width, activation: noisy(exponents[activation])(replicate, width),
        settings,
    )
    (verdict,) = judge(claims(exponent(ALL.each("activation"))), {"fig": table})
    assert [(c.part, c.verdict) for c in verdict.checks] == [
        ("erf", "replicated"),
        ("linear", "not replicated"),
        ("tanh", "replicated"),
    ]
    assert verdict.checks[0].name == "erf: exponent"
    assert verdict.checks[0].where == {"activation": "erf"}
    assert verdict.verdict == "not replicated"


def test_each_number_is_named_with_its_column(sweep):
    table = sweep("loss", lambda replicate, width: 2.0, WIDTHS[:2])
    (verdict,) = judge(claims(floor(ALL.each("width"))), {"fig": table})
    assert [c.name for c in verdict.checks] == ["width 100: floor", "width 200: floor"]


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        (["replicated", "replicated"], "replicated"),
        (["replicated", "not replicated", "inconclusive", "not run"], "not replicated"),
        (["replicated", "inconclusive"], "inconclusive"),
        (["replicated", "not run"], "inconclusive"),
        (["inconclusive", "not run"], "inconclusive"),
        (["not run", "not run"], "not run"),
    ],
)
def test_overall(parts, whole):
    assert overall(parts) == whole


def diverging(make_run, make_table, lost, replicates=8, value=2.0):
    rows = []
    for width in (100, 200):
        for replicate in range(replicates):
            gone = width == 200 and replicate < lost
            status = {"status": "diverged", "end_step": 9} if gone else {}
            loss = {0: 1e9, 9: np.nan} if gone else {0: 1e9, 1000: value}
            rows += make_run(replicate, {"loss": loss}, width=width, **status)
    return make_table(rows)


@pytest.mark.parametrize(
    ("lost", "n", "verdict"),
    [(0, 8, "replicated"), (3, 5, "replicated"), (4, 4, "inconclusive"), (5, 8, "replicated")],
)
def test_diverged_replicates_are_counted_and_left_out(make_run, make_table, lost, n, verdict):
    found = check_of(diverging(make_run, make_table, lost), LOWEST)
    assert (found.n, found.verdict, found.estimate) == (n, verdict, 2.0)
    counted = found.excluded.get("diverged", {})
    assert list(counted.values()) == ([list(range(lost))] if lost else [])
    assert len(found.conditions) == (1 if lost == 5 else 2)


def test_nothing_left_to_compare_is_inconclusive(make_run, make_table):
    table = diverging(make_run, make_table, 8)
    alone = check_of(table, floor(ALL.where(width=200)))
    pair = check_of(table, exponent(metric="loss"))
    assert (alone.n, alone.verdict, alone.estimate) == (0, "inconclusive", None)
    assert alone.reason.startswith("more than half of the replicates diverged in ")
    assert (pair.verdict, pair.estimate) == ("inconclusive", None)
    assert pair.reason.startswith("needs two values of width among otherwise equal conditions: ")
    assert "more than half of the replicates diverged in " in pair.reason


def test_each_replicate_diverged_somewhere_is_inconclusive(make_run, make_table):
    rows = []
    for width, replicate in product((100, 200), range(8)):
        gone = {"status": "diverged"} if (replicate < 4) == (width == 100) else {}
        rows += make_run(replicate, {"loss": 1.0}, width=width, **gone)
    found = check_of(make_table(rows), LOWEST)
    assert (found.n, found.verdict) == (0, "inconclusive")
    assert found.reason == "every replicate diverged somewhere"


def decays(make_run, make_table, *unstable):
    """Alignment and loss over lambda and width; all replicates diverges at the unstable lambdas."""
    rows = []
    for l2, width, replicate in product((0.0, 0.3, 1.0, *unstable), (100, 400), range(8)):
        wiggle = np.exp(0.01 * np.random.default_rng([replicate, width]).standard_normal())
        settings = {"l2": l2, "width": width}
        if l2 in unstable:
            metrics = {"weight_alignment": {0: 0.0, 7: np.nan}, "loss": {0: 9.0, 7: np.nan}}
            rows += make_run(replicate, metrics, status="diverged", end_step=7, **settings)
        else:
            metrics = {"weight_alignment": (0.05 + 0.5 * l2) * wiggle, "loss": l2**2 + 1e-9}
            rows += make_run(replicate, metrics, **settings)
    return make_table(rows)


@pytest.mark.parametrize("unstable", [(1000.0,), (3.0, 1000.0)])
def test_a_lambda_at_which_all_diverge_leaves_the_other_verdicts(make_run, make_table, unstable):
    alignment, loss = ALL.final("weight_alignment"), ALL.final("loss")
    checks = [
        check("gain", lowest_gain(alignment, along="l2", start=0) > 0),
        check("order", rank_correlation(alignment, along="l2") >= 0.8),
        check("growth", lowest_step_ratio(loss, along="l2") > 1),
        check("floor", lowest_mean(alignment) >= 0.01),
    ]
    (before,) = judge(claims(*checks), {"fig": decays(make_run, make_table)})
    after = judge(claims(*checks), {"fig": decays(make_run, make_table, *unstable)})
    assert before.verdict == after[0].verdict == "replicated"
    for old, new in zip(before.checks, after[0].checks, strict=True):
        assert "mostly_diverged" not in old.excluded
        assert len(new.excluded["mostly_diverged"]) == 2 * len(unstable)
        assert new.excluded["mostly_diverged"] == list(new.excluded["diverged"])
        assert replace(new, excluded={}, left_out=()) == old
    lost = "in which more than half of the replicates diverged left out"
    said = f"{2 * len(unstable)} conditions {lost}"
    for shown in (console_text(after), csv_text(after), markdown_text(after)):
        assert shown.count(said) == 4
    assert json.loads(json_text(after))["claims"][0]["checks"][0]["excluded"]["mostly_diverged"]


@pytest.mark.parametrize(("lost", "verdict"), [(5, "inconclusive"), (8, "not replicated")])
def test_a_share_keeps_conditions_in_which_most_diverged(make_run, make_table, lost, verdict):
    found = check_of(diverging(make_run, make_table, lost), share(ALL.final("loss") >= 1))
    assert (found.n, found.estimate, found.verdict) == (8, 1 - lost / 8, verdict)
    assert len(found.conditions) == 2
    assert "mostly_diverged" not in found.excluded


@pytest.mark.parametrize(
    ("failing", "replicates", "most", "every"),
    [
        (0, 5, "inconclusive", "inconclusive"),
        (0, 6, "replicated", "inconclusive"),
        (0, 29, "replicated", "replicated"),
        (1, 29, "replicated", "inconclusive"),
        (1, 50, "replicated", "replicated"),
        (17, 50, "replicated", "not replicated"),
        (40, 50, "not replicated", "not replicated"),
        (8, 8, "not replicated", "not replicated"),
    ],
)
def test_every_replicate_is_at_least_nine_in_ten(sweep, failing, replicates, most, every):
    made = sweep(
        "decay_bend",
        lambda replicate: 0.9 + 0.1 * (replicate >= failing),
        [{}],
        replicates=replicates,
    )
    criterion = ALL.final("decay_bend") >= 0.95
    strict = check("share", share_of_replicates(criterion, every=True) >= 0.9)
    assert check_of(made, SHARE).verdict == most
    found = check_of(made, strict)
    assert found.verdict == every
    assert found.arguments["needed"] == "every"
    passed = np.arange(replicates)[None] >= failing
    assert (found.ci_low, found.ci_high) == share_of(passed, every=True).interval


def test_diverged_replicate_fails_where_every_replicate_must_pass(make_run, make_table):
    table = diverging(make_run, make_table, 1)
    found = check_of(table, share(ALL.final("loss") >= 1))
    assert (found.n, found.estimate, found.verdict) == (8, 7 / 8, "inconclusive")
    assert list(found.excluded["diverged"].values()) == [[0]]


class OneAtATime(dict):
    """Tables that are read when they are asked for, of which none may be left from before."""

    last = staticmethod(lambda: None)

    def __getitem__(self, figure):
        gc.collect()
        assert self.last() is None, f"the table before {figure} is still held"
        table = super().__getitem__(figure).copy()
        self.last = weakref.ref(table)
        return table


def test_tables_are_held_one_at_a_time_and_claims_keep_their_order(sweep):
    table = sweep("weight_alignment", noisy(-0.5), WIDTHS)
    figures = ["one", "two", "one", "three", "none"]
    several = [Claim(f"a.{i}", "P", "S.", f, (SLOPE,)) for i, f in enumerate(figures)]
    tables = dict.fromkeys(["two", "three", "one", "unasked"], table)
    found = judge(several, OneAtATime(tables))
    assert found == judge(several, tables)
    assert [claim.id for claim in found] == [claim.id for claim in several]
    assert [claim.verdict for claim in found] == ["replicated"] * 4 + ["not run"]


FREE = ALL.where(rule="fa", l2=0)
CHECKS = [exponent(FREE.each("activation")), floor(FREE, "weight_alignment")]


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=5, deadline=None)
def test_rows_in_any_order_give_the_same_numbers(sweep, number):
    table = sweep("weight_alignment", noisy(-0.5), WIDTHS)
    shuffled = table.sample(frac=1, random_state=number, ignore_index=True)
    assert judge(claims(*CHECKS), {"fig": table}) == judge(claims(*CHECKS), {"fig": shuffled})


@pytest.mark.parametrize(
    "extra",
    [{"rule": "bp"}, {"l2": 0.3}, {"activation": "tanh"}, {"l2": 1.0, "activation": "relu"}],
)
def test_unrelated_conditions_change_no_number(sweep, extra):
    table = sweep("weight_alignment", noisy(-0.5), WIDTHS)
    found = check_of(table, CHECKS[0])
    other = sweep("weight_alignment", noisy(3.0), [{**w, **extra} for w in WIDTHS])
    loss = table.assign(metric="loss", value=-1.0)
    both = pd.concat([other, table, loss], ignore_index=True)
    assert found in judge(claims(CHECKS[0]), {"fig": both, "other": other})[0].checks


def test_claims_and_checks_beside_it_change_no_number(sweep):
    table = sweep("weight_alignment", noisy(-0.5), WIDTHS)
    alone = check_of(table, SLOPE)
    (together,) = judge(claims(CHECKS[1], SLOPE), {"fig": table})
    assert together.checks[1] == alone


def test_judging_repeats(sweep):
    table = sweep("weight_alignment", noisy(-0.5), WIDTHS)
    assert judge(claims(*CHECKS), {"fig": table}) == judge(claims(*CHECKS), {"fig": table})


def test_the_table_is_left_alone(sweep):
    table = sweep("weight_alignment", noisy(-0.5), WIDTHS)
    before = table.copy(deep=True)
    judge(claims(*CHECKS), {"fig": table})
    pd.testing.assert_frame_equal(table, before)


AUC = check(
    "tells",
    auc(ALL.at("intervention", "gradient_alignment"), tells=ALL.final("loss_rise") < 100) >= 0.6,
)


def angles(make_run, make_table, *lost, wrong=0):
    """Feedback at five angles; above 45 degrees a run leaves, in the lost runs by diverging."""
    rows = []
    for angle, replicate in product((0.0, 30.0, 60.0, 90.0), range(8)):
        gone = replicate in lost and angle > 45
        cosine = np.cos(np.radians(angle)) * (-1 if replicate < wrong else 1)
        metrics = {
            "gradient_alignment": {0: 0.0, 400: cosine, 900: 0.0},
            "loss_rise": {1000: 1.0 if angle < 45 else 1e6},
        }
        fate = {}
        if gone:
            metrics = {
                "gradient_alignment": {0: 0.0, 400: cosine, 700: np.nan},
                "loss_rise": {700: np.nan},
            }
            fate = {"status": "diverged", "end_step": 700}
        tied = {"tie_step": 400, "tie_angle": angle, "switch_step": 300, "switch_rule": "fa"}
        rows += make_run(replicate, metrics, **tied, **fate)
    return make_table(rows)


@pytest.mark.parametrize("lost", [(), (0, 1), tuple(range(8))])
def test_auc_ranks_a_diverged_run_by_what_it_was_and_counts_it_as_failing(
    make_run, make_table, lost
):
    verdict = judge(claims(AUC), {"fig": angles(make_run, make_table, *lost)})
    (found,) = verdict[0].checks
    assert (found.n, found.estimate, found.verdict) == (8, 1.0, "replicated")
    assert 0.6 < found.ci_low < found.ci_high == 1.0
    assert len(found.conditions) == 4
    counted = found.excluded.get("diverged", {})
    assert list(counted.values()) == ([list(lost)] * 2 if lost else [])
    said = f"{2 * len(lost)} diverged replicates counted as failing"
    assert (said in console_text(verdict)) == bool(lost)
    assert found.arguments["other_passes"] == {"below": 100}


@pytest.mark.parametrize(
    ("wrong", "verdict"), [(0, "replicated"), (2, "inconclusive"), (8, "not replicated")]
)
def test_auc_falls_with_replicates_ranked_wrongly(make_run, make_table, wrong, verdict):
    found = check_of(angles(make_run, make_table, wrong=wrong), AUC)
    assert found.verdict == verdict
    assert found.estimate == pytest.approx(1 - wrong / 8)
    assert found.ci_low <= found.estimate <= found.ci_high


def test_a_share_among_replicates_counts_those_it_applies_to(make_run, make_table):
    rows = [
        row
        for replicate in range(9)
        for row in make_run(replicate, {"loss": 1.0 * (replicate > 2), "accuracy": 0.9})
    ]
    asked = share_among(ALL.final("accuracy") > 0.5, given=ALL.final("loss") > 0.5)
    verdict = judge(claims(check("share", asked > 0.5)), {"fig": make_table(rows)})
    (found,) = verdict[0].checks
    assert (found.n, found.estimate, found.verdict) == (6, 1.0, "replicated")
    assert (found.ci_low, found.ci_high) == share_of(np.ones((1, 6))).interval
    assert "3 replicates to which it does not apply" in console_text(verdict)


def test_auc_of_runs_that_all_stay_is_not_run(make_run, make_table):
    made = angles(make_run, make_table)
    found = check_of(made[made["tie_angle"] < 45], AUC)
    assert found.verdict == "not run"
    assert found.reason.startswith("no two runs of which one passes `other_passes`")


def test_a_share_reads_the_intervention_of_a_run_that_diverges_later(make_run, make_table):
    wide = ALL.where(tie_angle=above(45))
    early = share(wide.at("intervention", "gradient_alignment") < 0.6)
    found = check_of(angles(make_run, make_table, 0, 1, 2), early)
    assert (found.estimate, found.verdict, found.excluded) == (1.0, "replicated", {})
    found = check_of(angles(make_run, make_table, 0, 1, 2), share(wide.final("loss_rise") > 100))
    assert (found.estimate, found.n) == (5 / 8, 8)
    assert list(found.excluded["diverged"].values()) == [[0, 1, 2]] * 2


def test_a_mean_leaves_out_a_run_that_diverges_later(make_run, make_table):
    early = check("mean", lowest_mean(ALL.at("intervention", "gradient_alignment")) > 0)
    assert check_of(angles(make_run, make_table, 0, 1, 2), early).n == 5


CORRELATION = check(
    "together", correlation(ALL.final("gradient_alignment"), ALL.at("start", "accuracy")) > 0
)


def grid(make_run, make_table, sign, lost=0):
    rows = []
    for width, replicate in product((100, 200, 400), range(8)):
        noise = np.random.default_rng([replicate, width]).standard_normal()
        cosine = 0.1 * np.log(width) + 0.001 * noise
        metrics = {"gradient_alignment": cosine, "accuracy": {0: sign * cosine + 0.001 * noise}}
        gone = width == 200 and replicate < lost
        fate = {"status": "diverged", "end_step": 900} if gone else {}
        rows += make_run(replicate, metrics, width=width, **fate)
    return make_table(rows)


@pytest.mark.parametrize(("sign", "verdict"), [(1, "replicated"), (-1, "not replicated")])
def test_correlation_is_within_replicates(make_run, make_table, sign, verdict):
    found = check_of(grid(make_run, make_table, sign), CORRELATION)
    assert found.verdict == verdict
    assert found.estimate == pytest.approx(sign, abs=0.01)


def test_correlation_leaves_out_diverged_replicates_and_conditions(make_run, make_table):
    found = check_of(grid(make_run, make_table, 1, lost=3), CORRELATION)
    assert (found.n, len(found.conditions)) == (5, 3)
    found = check_of(grid(make_run, make_table, 1, lost=5), CORRELATION)
    assert (found.n, found.verdict) == (8, "inconclusive")
    assert found.reason.startswith("needs three conditions for a correlation: more than half")


def test_margin_between_conditions_that_differ_in_several_axes(sweep):
    settings = [{"l2": 1.4, "decay_layers": "all"}, {"case": "frozen", "width": 50}]
    made = sweep("accuracy", lambda replicate, l2=0.0, **_: 0.7 if l2 else 0.8, settings)
    accuracy = ALL.where(case="frozen").final("accuracy")

    def margin(**over):
        other = ALL.where(**over).final("accuracy")
        return check("margin", lowest_margin(accuracy, over=other) > 0)

    found = check_of(made, margin(case=""))
    assert (found.verdict, found.estimate) == ("replicated", pytest.approx(0.1))
    assert found.arguments["of"] == {"case": "frozen"}
    assert found.arguments["over"] == {"case": ""}
    json.loads(json_text(judge(claims(margin(case="")), {"fig": made})))
    assert check_of(made, margin(l2=9)).reason == "no condition of the config matches `over`"


def test_each_of_a_number_and_of_a_switch(sweep):
    settings = [{"width": 50}, {"width": 5}]
    made = sweep("loss", lambda replicate, **_: 2.0, settings)
    (verdict,) = judge(claims(floor(ALL.each("width"))), {"fig": made})
    parts = [(check.part, check.where["width"], check.n) for check in verdict.checks]
    assert parts == [("width 5", 5, 8), ("width 50", 50, 8)]
    made = sweep("loss", lambda replicate, **_: 2.0, [{"bias": True}, {"bias": False}])
    (verdict,) = judge(claims(floor(ALL.each("bias"))), {"fig": made})
    assert [check.part for check in verdict.checks] == ["bias false", "bias true"]
    assert [len(check.conditions) for check in verdict.checks] == [1, 1]
    rules = [{"switch_rule": ""}, {"switch_rule": "bp", "switch_step": 3}]
    made = sweep("loss", lambda replicate, **_: 2.0, rules)
    (verdict,) = judge(claims(floor(ALL.each("switch_rule"))), {"fig": made})
    assert [check.part for check in verdict.checks] == ['switch_rule ""', "bp"]


def test_layer_of_a_check_reaches_the_reading(make_run, make_table):
    rows = [
        row
        for replicate in range(8)
        for row in make_run(
            replicate, {("descent_share", "1"): 0.2, ("descent_share", "output"): 0.8}
        )
    ]
    for layer, value in ((1, 0.2), ("output", 0.8)):
        check = floor(metric="descent_share", layer=layer)
        assert check_of(make_table(rows), check).estimate == value
    found = check_of(make_table(rows), floor(metric="descent_share", layer=2))
    assert found.reason == "the tables do not record descent_share of layer 2"


CASES = [{"case": "trained"}, {"case": "frozen", "freeze_step": 0}]


def test_cases_choose_conditions_and_are_compared(sweep):
    made = sweep("loss", lambda replicate, case, **_: 2.0 + (case == "frozen"), CASES)
    assert check_of(made, floor(ALL.where(case="frozen"))).estimate == 3
    gain = lowest_gain(ALL.final("loss"), along="case", start="trained", end="frozen")
    assert check_of(made, check("gain", gain > 0)).estimate == 1
    (verdict,) = judge(claims(floor(ALL.each("case"))), {"fig": made})
    assert [(found.part, found.estimate) for found in verdict.checks] == [
        ("frozen", 3),
        ("trained", 2),
    ]


def test_a_condition_of_two_experiments_has_the_case_of_each(sweep):
    made = sweep("loss", lambda replicate, case: 2.0, [{"case": "trained"}])
    both = pd.concat([made.assign(case="search", experiment="other"), made], ignore_index=True)
    for case in ("trained", "search"):
        assert check_of(both, floor(ALL.where(case=case))).n == 8
    found = check_of(both, floor(ALL.where(case="frozen")))
    assert found.reason == "no condition of the config matches"
