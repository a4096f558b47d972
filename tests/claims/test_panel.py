from itertools import product

import numpy as np
import pandas as pd
import pytest

from feedback_alignment.claims.errors import NotRunError
from feedback_alignment.claims.exclusions import leave_out
from feedback_alignment.claims.filters import filters
from feedback_alignment.claims.panel import read_panel, rows_of
from feedback_alignment.claims.readings import Reading
from feedback_alignment.claims.threshold import above, at_most, between
from feedback_alignment.tables import COLUMNS

SETTINGS = list(COLUMNS)[2 : list(COLUMNS).index("replicate")]
CUT = {"l2": 1.0, "schedule": "cutoff", "cutoff_step": 400}


def test_reads_one_value_a_condition_and_replicate(sweep):
    table = sweep(
        "loss",
        lambda replicate, width: width + replicate,
        [{"width": 200}, {"width": 100}],
        replicates=3,
    )
    panel = read_panel(rows_of(table), Reading("loss"))
    assert [chosen["width"] for chosen in panel.conditions] == [100, 200]
    assert panel.replicates.tolist() == [0, 1, 2]
    assert panel.values.tolist() == [[100, 101, 102], [200, 201, 202]]
    assert not panel.diverged.any()
    assert panel.excluded == {}


@pytest.mark.parametrize(
    ("time", "value"), [("start", 8.0), ("half", 6.0), ("cutoff", 4.0), ("end", 1.0)]
)
def test_times(make_run, make_table, time, value):
    # Recorded steps need not hold the half (500) or the cutoff (400).
    steps = {0: 8.0, 399: 4.0, 401: 5.0, 499: 6.0, 501: 7.0, 1000: 1.0}
    table = make_table(make_run(0, {"loss": steps}, **CUT))
    assert read_panel(rows_of(table), Reading("loss", time)).values == [[value]]
    if time != "end":
        assert read_panel(rows_of(table), Reading("loss", "end", time)).values == [[1.0 / value]]


FALL = {0: 9.0, 10: 8.0, 20: 4.0, 30: 6.0, 1000: 1.0}


@pytest.mark.parametrize(
    ("time", "value"),
    [(0.5, 400), (0.4, 400), (0.3999, 333), (0.334, 333), (0.333, 333), (0.29, 290), (0.01, 0)],
)
def test_a_share_of_the_steps_is_the_last_recorded_step_not_after_it(
    make_run, make_table, time, value
):
    steps = {step: float(step) for step in (0, 290, 333, 400, 501, 1000)}
    table = make_table(make_run(0, {"loss": steps}))
    assert read_panel(rows_of(table), Reading("loss", time)).values == [[value]]


@pytest.mark.parametrize(
    ("steps", "value"),
    [
        ({"switch_step": 20}, 4.0),
        ({"redraw_step": 10, "redraw_every": 5}, 8.0),
        ({"switch_step": 10, "tie_step": 20, "perturb_step": 0}, 4.0),
        ({"perturb_step": 30, "freeze_step": 1000}, 6.0),
        ({"perturb_step": 25}, np.nan),
        ({"freeze_step": 20}, np.nan),
        ({}, np.nan),
    ],
)
def test_intervention_is_the_step_of_the_last_one(make_run, make_table, steps, value):
    # Beside a condition without any: a column of steps may hold missing ones.
    rows = make_run(0, {"loss": FALL}, width=50) + make_run(0, {"loss": FALL}, **steps)
    panel = read_panel(rows_of(make_table(rows)), Reading("loss", "intervention"))
    assert panel.values == pytest.approx(np.array([[np.nan], [value]]), nan_ok=True)


def test_before_is_the_last_recorded_step_before_an_intervention(make_run, make_table):
    rows = make_run(0, {"loss": FALL}, width=50) + make_run(0, {"loss": FALL}, switch_step=20)
    panel = read_panel(rows_of(make_table(rows)), Reading("loss", "before"))
    before = FALL[max(step for step in FALL if step < 20)]
    assert panel.values == pytest.approx(np.array([[np.nan], [before]]), nan_ok=True)


@pytest.mark.parametrize(
    ("loss", "value"),
    [
        (FALL, 0.2),
        ({0: 9.0, 10: 5.0, 20: 5.0, 1000: 1.0}, 0.1),
        ({0: 9.0, 1000: 1.0}, 10.0),
        ({0: 1.0, 10: 1.0, 1000: 1.0}, np.nan),
        ({0: 1.0, 10: 2.0, 1000: 3.0}, np.nan),
        ({0: 1.0}, np.nan),
    ],
)
def test_half_of_the_fall_is_of_each_replicate(make_run, make_table, loss, value):
    cosine = {step: step / 100 for step in FALL}
    rows = make_run(0, {"loss": loss, "gradient_alignment": cosine})
    rows += make_run(1, {"loss": {0: 2.0, 30: 0.0}, "gradient_alignment": cosine})
    panel = read_panel(rows_of(make_table(rows)), Reading("gradient_alignment", "half_fall"))
    assert panel.values == pytest.approx(np.array([[value, 0.3]]), nan_ok=True)


def test_half_of_the_fall_needs_the_loss(sweep):
    table = sweep("gradient_alignment", lambda replicate: 1.0, [{}], replicates=2)
    with pytest.raises(NotRunError, match="the tables do not record loss"):
        read_panel(rows_of(table), Reading("gradient_alignment", "half_fall"))


LAYERED = {
    ("gradient_alignment", "1"): 0.1,
    ("gradient_alignment", "2"): 0.2,
    ("gradient_alignment", "hidden"): 0.3,
    ("null_gradient_alignment", "2"): 0.05,
    ("null_gradient_alignment", "hidden"): 0.01,
    ("weight_alignment", "2"): 0.4,
    ("weight_alignment", "output"): 0.5,
    ("weight_alignment", "all"): 0.6,
    ("signal_alignment", "1"): 0.7,
    ("signal_alignment", "hidden"): 0.8,
    ("descent_share", "1"): 0.9,
    "accuracy": 0.95,
}


@pytest.mark.parametrize(
    ("quantity", "layer", "value"),
    [
        ("gradient_alignment", None, 0.3),
        ("gradient_alignment", "2", 0.2),
        ("weight_alignment", None, 0.5),
        ("weight_alignment", "all", 0.6),
        ("signal_alignment", None, 0.8),
        ("descent_share", "1", 0.9),
        ("accuracy", None, 0.95),
        ("alignment_over_null", None, 0.29),
        ("alignment_over_null", "2", 0.15),
    ],
)
def test_a_metric_of_several_layers_is_read_in_one(make_run, make_table, quantity, layer, value):
    table = make_table(make_run(0, LAYERED))
    reading = Reading(quantity, layer=layer)
    assert read_panel(rows_of(table), reading).values == pytest.approx(np.array([[value]]))
    shuffled = table.sample(frac=1, random_state=1)
    assert read_panel(rows_of(shuffled), reading).values == pytest.approx(np.array([[value]]))


def test_layer_that_is_not_recorded_is_named(make_run, make_table):
    table = make_table(make_run(0, LAYERED))
    with pytest.raises(NotRunError, match=r"gradient_alignment of layer 3$"):
        read_panel(rows_of(table), Reading("gradient_alignment", layer="3"))
    with pytest.raises(NotRunError, match=r"do not record descent_share of layer 2$"):
        read_panel(rows_of(table), Reading("descent_share", layer="2"))


def test_two_quantities_are_read_side_by_side(make_run, make_table):
    rows = [
        row
        for replicate in range(2)
        for row in make_run(
            replicate, {"accuracy": {0: 0.5, 1000: replicate}, "loss": {0: 7.0, 1000: 8.0}}
        )
    ]
    rows += make_run(0, {"loss": 1.0}, width=200) + make_run(1, {"loss": 1.0}, width=200)
    panel = read_panel(rows_of(make_table(rows)), Reading("loss"), Reading("accuracy", "start"))
    assert panel.values.tolist() == [[8, 8]]
    assert panel.other.tolist() == [[0.5, 0.5]]
    assert len(panel.excluded["not_measured"]) == 1


def diverging_switch(make_run, make_table, lost, end_step):
    """Replicate `lost` of 4 diverges at `end_step` after a switch at step 400."""
    rows = []
    for replicate in range(4):
        loss, fate = {0: 5.0, 400: 1.0 + replicate, 700: 50.0, 1000: 2.0}, {}
        rise = 50.0
        if replicate == lost:
            loss = {step: value for step, value in loss.items() if step < end_step}
            loss[end_step] = rise = np.nan
            fate = {"status": "diverged", "end_step": end_step}
        rows += make_run(
            replicate, {"loss": loss, "loss_rise": rise}, switch_step=400, switch_rule="fa", **fate
        )
    return make_table(rows)


@pytest.mark.parametrize(
    ("time", "end_step", "known"),
    [
        ("start", 900, True),
        ("intervention", 900, True),
        ("intervention", 401, True),
        ("intervention", 400, False),
        ("intervention", 300, False),
        (0.5, 501, True),
        (0.5, 500, False),
        ("half", 500, False),
        ("half", 501, True),
        ("half_fall", 900, False),
        ("end", 900, False),
        ("end", 1000, False),
    ],
)
def test_what_a_diverged_replicate_did_before_its_end_is_read(
    make_run, make_table, time, end_step, known
):
    table = diverging_switch(make_run, make_table, 2, end_step)
    panel = read_panel(rows_of(table), Reading("loss", time), Reading("loss_rise"))
    assert panel.diverged.tolist() == [[False, False, True, False]]
    assert np.isnan(panel.values).tolist() == [[False, False, not known, False]]
    assert np.isnan(panel.other).tolist() == [[False, False, True, False]]
    # Means leave the replicate out all the same.
    assert leave_out(panel).replicates.tolist() == [0, 1, 3]
    kept = leave_out(panel, keep="diverged")
    assert kept.replicates.tolist() == [0, 1, 2, 3]
    assert list(kept.excluded["diverged"].values()) == [[2]]


def assert_all_kept(found, panel):
    assert found.conditions == panel.conditions
    for name in ("replicates", "values", "other", "diverged"):
        np.testing.assert_array_equal(getattr(found, name), getattr(panel, name))


def test_a_share_counts_as_failing_only_what_diverged_before_it_is_read(make_run, make_table):
    table = diverging_switch(make_run, make_table, 2, 900)
    early = leave_out(read_panel(rows_of(table), Reading("loss", "intervention")), keep="all")
    assert "diverged" not in early.excluded
    late = leave_out(read_panel(rows_of(table), Reading("loss")), keep="all")
    assert list(late.excluded["diverged"].values()) == [[2]]


def test_condition_without_the_second_quantity_of_a_replicate_is_left_out(make_run, make_table):
    rows = [
        row
        for width, replicate in product((100, 200), range(3))
        for row in make_run(
            replicate,
            {"loss": 1.0, "align_step": np.nan if (width, replicate) == (200, 1) else 2.0},
            width=width,
        )
    ]
    panel = read_panel(rows_of(make_table(rows)), Reading("loss"), Reading("align_step"))
    kept = leave_out(panel)
    assert [chosen["width"] for chosen in kept.conditions] == [100]
    assert kept.other.tolist() == [[2, 2, 2]]
    assert len(kept.excluded["no_value"]) == 1
    # By the second quantity alone a replicate fails.
    assert len(leave_out(panel, keep="diverged").conditions) == 2


def test_settings_of_every_kind_survive_parquet(make_run, make_table, tmp_path):
    table = make_table(
        make_run(0, {"loss": 1.0}, bias=True, tie_step=5, switch_rule="")
        + make_run(0, {"loss": 1.0}, bias=False, switch_step=5, switch_rule="bp")
    )
    table.to_parquet(tmp_path / "a.parquet")
    found = list(rows_of(pd.read_parquet(tmp_path / "a.parquet")).settings.values())
    kinds = [(c["bias"], c["tie_step"], c["switch_step"], c["switch_rule"]) for c in found]
    assert kinds == [(False, None, 5, "bp"), (True, 5, None, "")]
    assert set(found[0]) == {"condition", "slow_time", *SETTINGS}

    def left(**where):
        return len(rows_of(table).passing(filters(where)))

    assert left(bias=True) == left(switch_rule="") == left(switch_rule="bp", bias=False) == 1
    assert left(bias=[True, False]) == 2


def test_no_cutoff_no_reading(sweep):
    table = sweep("loss", lambda replicate: 1.0, [{}], replicates=2)
    assert np.isnan(read_panel(rows_of(table), Reading("loss", "cutoff")).values).all()


def test_ratio_to_zero_has_no_value(make_run, make_table):
    table = make_table(make_run(0, {"loss": {0: 0.0, 10: 1.0}}))
    assert np.isnan(read_panel(rows_of(table), Reading("loss", "end", "start")).values).all()


@pytest.mark.parametrize(
    ("quantity", "metrics", "value"),
    [
        ("kernel_deviation", {"lambda_min_G": 6.0, "lambda_min_EG": 8.0}, 0.25),
        ("kernel_deviation", {"lambda_min_G": 10.0, "lambda_min_EG": 8.0}, 0.25),
        ("rate_ratio", {"decay_rate": 6.0, "rate_bound": 4.0}, 1.5),
        ("align_decays", {"align_step": 700.0}, 700 * 1e-4 * 2),
        (
            "align_deviation",
            {"align_step": 700.0, "law_align_step": 600.0},
            (7 / 6 - 1) * (200 / 9.86) ** 0.5,
        ),
        ("loss_fall", {"loss_fall": 0.75}, 0.75),
    ],
)
def test_derived_quantities(make_run, make_table, quantity, metrics, value):
    table = make_table(make_run(0, metrics, width=200, l2=2.0, switch_step=400))
    found = read_panel(rows_of(table), Reading(quantity)).values
    assert found == pytest.approx(np.array([[value]]), nan_ok=True)


def test_longest_of_conditions_that_differ_in_steps_only(sweep):
    table = sweep(
        "loss", lambda replicate, steps: steps, [{"steps": 500}, {"steps": 2000}], replicates=2
    )
    assert read_panel(rows_of(table), Reading("loss")).values.tolist() == [[2000, 2000]]


def test_a_condition_of_two_experiments_counts_once(sweep):
    table = sweep("loss", lambda replicate, width: replicate, [{"width": 100}], replicates=3)
    twice = pd.concat([table, table.assign(experiment="other")], ignore_index=True)
    assert read_panel(rows_of(twice), Reading("loss")).values.tolist() == [[0, 1, 2]]


def test_only_shared_replicates_are_paired(make_run, make_table):
    rows = [r for s in range(3) for r in make_run(s, {"loss": 1.0 + s}, width=100)]
    rows += [r for s in range(1, 5) for r in make_run(s, {"loss": 2.0 + s}, width=200)]
    panel = read_panel(rows_of(make_table(rows)), Reading("loss"))
    assert panel.replicates.tolist() == [1, 2]
    assert panel.excluded == {"unpaired_replicates": [0, 3, 4]}


def test_no_shared_replicate(make_run, make_table):
    rows = make_run(0, {"loss": 1.0}, width=100) + make_run(1, {"loss": 1.0}, width=200)
    with pytest.raises(NotRunError, match="the conditions share no replicate"):
        read_panel(rows_of(make_table(rows)), Reading("loss"))


def test_diverged_replicate_leaves_all_conditions(make_run, make_table):
    rows = []
    for width in (100, 200):
        for replicate in range(4):
            lost = (width, replicate) == (200, 2)
            status = {"status": "diverged", "end_step": 7} if lost else {}
            rows += make_run(
                replicate, {"loss": {0: 5.0, 7: np.nan if lost else 1.0}}, width=width, **status
            )
    panel = read_panel(rows_of(make_table(rows)), Reading("loss"))
    assert np.isnan(panel.values[1, 2])
    kept = leave_out(panel)
    assert kept.replicates.tolist() == [0, 1, 3]
    assert kept.values.tolist() == [[1, 1, 1], [1, 1, 1]]
    assert list(kept.excluded["diverged"].values()) == [[2]]
    assert "mostly_diverged" not in kept.excluded
    whole = leave_out(panel, keep="all")
    assert_all_kept(whole, panel)
    assert whole.excluded == kept.excluded


@pytest.mark.parametrize(("lost", "whole"), [(4, False), (5, True), (8, True)])
def test_condition_is_left_out_whole_if_more_than_half_diverged(make_run, make_table, lost, whole):
    rows = []
    for width, replicate in product((100, 200), range(8)):
        status = {"status": "diverged"} if width == 200 and replicate < lost else {}
        rows += make_run(replicate, {"loss": 1.0}, width=width, **status)
    panel = read_panel(rows_of(make_table(rows)), Reading("loss"))
    kept = leave_out(panel)
    assert [chosen["width"] for chosen in kept.conditions] == [100, 200][: 2 - whole]
    assert kept.replicates.size == (8 if whole else 8 - lost)
    wide = panel.conditions[1]["condition"]
    assert kept.excluded.get("mostly_diverged", []) == ([wide] if whole else [])
    assert kept.excluded["diverged"] == {wide: list(range(lost))}
    assert_all_kept(leave_out(panel, keep="all"), panel)


@pytest.mark.parametrize("column", ["engine", "dtype"])
def test_conditions_of_another_engine_or_dtype_are_others(sweep, column):
    settings = [{column: name, "steps": steps} for name in ("one", "two") for steps in (10, 20)]
    table = sweep("loss", lambda replicate, **chosen: chosen["steps"], settings, replicates=2)
    panel = read_panel(rows_of(table), Reading("loss"))
    assert [(c[column], c["steps"]) for c in panel.conditions] == [("one", 20), ("two", 20)]
    assert len(rows_of(table).passing(filters({column: "two"}))) == 2


def test_condition_with_a_missing_value_is_left_out_whole(sweep):
    # Replicates that did align within the steps are the fast ones.
    def align(replicate, width):
        return np.nan if width == 400 and replicate == 0 else float(width + replicate)

    table = sweep("align_step", align, [{"width": w} for w in (100, 200, 400)], replicates=3)
    kept = leave_out(read_panel(rows_of(table), Reading("align_step")))
    assert [chosen["width"] for chosen in kept.conditions] == [100, 200]
    assert kept.replicates.size == 3
    assert len(kept.excluded["no_value"]) == 1


def test_no_condition_with_all_values(sweep):
    table = sweep("align_step", lambda replicate: np.nan, [{}], replicates=3)
    with pytest.raises(
        NotRunError, match="no condition has a value of align_step for every replicate"
    ):
        leave_out(read_panel(rows_of(table), Reading("align_step")))


def test_metric_that_is_not_recorded(make_run, make_table):
    both = make_run(0, {"decay_rate": 1.0, "rate_bound": 2.0}, width=100)
    one = make_run(0, {"decay_rate": 1.0}, width=200)
    panel = read_panel(rows_of(make_table(both + one)), Reading("rate_ratio"))
    assert [chosen["width"] for chosen in panel.conditions] == [100]
    assert len(panel.excluded["not_measured"]) == 1
    with pytest.raises(NotRunError, match="the tables do not record rate_bound"):
        read_panel(rows_of(make_table(one)), Reading("rate_ratio"))


def test_filters(sweep):
    settings = [{"width": w, "l2": l2} for w in (100, 200, 400) for l2 in (0.0, 0.3, 1.0)]
    table = sweep("loss", lambda replicate, **_: 1.0, settings, replicates=1)

    def left(**where):
        found = rows_of(table).passing(filters(where)).values()
        return {(chosen["width"], chosen["l2"]) for chosen in found}

    assert left() == {(s["width"], s["l2"]) for s in settings}
    assert left(width=200) == {(200, 0), (200, 0.3), (200, 1)}
    assert left(width=[100, 400], l2=0) == {(100, 0), (400, 0)}
    assert left(l2=above(0), width=at_most(100)) == {(100, 0.3), (100, 1)}
    assert left(schedule="none", width=between(150, 400)) == {(200, 0), (400, 0)}
    assert left(rule="bp") == set()
    # eta*l2*steps*sqrt(n/p) is 0.1*l2*sqrt(50/p): .0707, .05 and .0354 at l2 = 1.
    assert left(slow_time=above(0.04)) == {(100, 1), (200, 1)}


def test_cutoff_step_survives_parquet(make_run, make_table, tmp_path):
    table = make_table(make_run(0, {"loss": {0: 3.0, 400: 2.0, 1000: 1.0}}, **CUT))
    table.to_parquet(tmp_path / "a.parquet")
    bare = make_table(make_run(0, {"loss": {0: 3.0, 400: 2.0, 1000: 1.0}}))
    bare.to_parquet(tmp_path / "b.parquet")
    both = pd.concat([pd.read_parquet(tmp_path / f"{n}.parquet") for n in "ab"])
    panel = read_panel(rows_of(both), Reading("loss", "cutoff"))
    assert sorted(c["cutoff_step"] or 0 for c in panel.conditions) == [0, 400]
    assert np.nansum(panel.values) == 2.0
