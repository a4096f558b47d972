from itertools import product

import numpy as np
import pandas as pd
import pytest

from feedback_alignment.claims.errors import NotRunError
from feedback_alignment.claims.filters import parse_where
from feedback_alignment.claims.panel import matching, read_panel, settings_of
from feedback_alignment.claims.samples import draw_sample

CUT = {"l2": 1.0, "schedule": "cutoff", "cutoff_step": 400}


def test_reads_one_value_a_condition_and_seed(sweep):
    table = sweep(
        "loss",
        lambda seed, width: width + seed,
        [{"width": 200}, {"width": 100}],
        seeds=3,
    )
    panel = read_panel(table, "loss")
    assert [chosen["width"] for chosen in panel.conditions] == [100, 200]
    assert panel.seeds.tolist() == [0, 1, 2]
    assert panel.values.tolist() == [[100, 101, 102], [200, 201, 202]]
    assert not panel.diverged.any()
    assert panel.notes == {}


@pytest.mark.parametrize(
    ("time", "value"), [("start", 8.0), ("half", 6.0), ("cutoff", 4.0), ("end", 1.0)]
)
def test_times(make_run, make_table, time, value):
    # Recorded steps need not hold the half (500) or the cutoff (400).
    steps = {0: 8.0, 399: 4.0, 401: 5.0, 499: 6.0, 501: 7.0, 1000: 1.0}
    table = make_table(make_run(0, {"loss": steps}, **CUT))
    assert read_panel(table, "loss", time).values == [[value]]
    if time != "end":
        assert read_panel(table, "loss", "end", time).values == [[1.0 / value]]


def test_no_cutoff_no_reading(sweep):
    table = sweep("loss", lambda seed: 1.0, [{}], seeds=2)
    assert np.isnan(read_panel(table, "loss", "cutoff").values).all()


def test_ratio_to_zero_has_no_value(make_run, make_table):
    table = make_table(make_run(0, {"loss": {0: 0.0, 10: 1.0}}))
    assert np.isnan(read_panel(table, "loss", "end", "start").values).all()


@pytest.mark.parametrize(
    ("quantity", "metrics", "value"),
    [
        ("kernel_deviation", {"lambda_min_G": 6.0, "lambda_min_EG": 8.0}, 0.25),
        ("kernel_deviation", {"lambda_min_G": 10.0, "lambda_min_EG": 8.0}, 0.25),
        ("rate_ratio", {"decay_rate": 6.0, "rate_bound": 4.0}, 1.5),
        ("align_decays", {"align_step": 700.0}, 700 * 1e-4 * 2),
        ("align_slow_time", {"align_step": 700.0}, 700 * 1e-4 * 2 * (50 / 200) ** 0.5),
        ("loss_per_l2", {"loss": 3.0}, 1.5),
    ],
)
def test_derived_quantities(make_run, make_table, quantity, metrics, value):
    table = make_table(make_run(0, metrics, width=200, l2=2.0))
    assert read_panel(table, quantity).values == pytest.approx(np.array([[value]]))


def test_longest_of_conditions_that_differ_in_steps_only(sweep):
    table = sweep("loss", lambda seed, steps: steps, [{"steps": 500}, {"steps": 2000}], seeds=2)
    assert read_panel(table, "loss").values.tolist() == [[2000, 2000]]


def test_a_condition_of_two_experiments_counts_once(sweep):
    table = sweep("loss", lambda seed, width: seed, [{"width": 100}], seeds=3)
    twice = pd.concat([table, table.assign(experiment="other")], ignore_index=True)
    assert read_panel(twice, "loss").values.tolist() == [[0, 1, 2]]


def test_only_shared_seeds_are_paired(make_run, make_table):
    rows = [r for s in range(3) for r in make_run(s, {"loss": 1.0 + s}, width=100)]
    rows += [r for s in range(1, 5) for r in make_run(s, {"loss": 2.0 + s}, width=200)]
    panel = read_panel(make_table(rows), "loss")
    assert panel.seeds.tolist() == [1, 2]
    assert panel.notes == {"unpaired_seeds": [0, 3, 4]}


def test_no_shared_seed(make_run, make_table):
    rows = make_run(0, {"loss": 1.0}, width=100) + make_run(1, {"loss": 1.0}, width=200)
    with pytest.raises(NotRunError, match="the conditions share no seed"):
        read_panel(make_table(rows), "loss")


def test_diverged_seed_leaves_all_conditions(make_run, make_table):
    rows = []
    for width in (100, 200):
        for seed in range(4):
            lost = (width, seed) == (200, 2)
            status = {"status": "diverged", "end_step": 7} if lost else {}
            rows += make_run(
                seed, {"loss": {0: 5.0, 7: np.nan if lost else 1.0}}, width=width, **status
            )
    panel = read_panel(make_table(rows), "loss")
    assert np.isnan(panel.values[1, 2])
    sample = draw_sample(panel)
    assert sample.panel.seeds.tolist() == [0, 1, 3]
    assert sample.panel.values.tolist() == [[1, 1, 1], [1, 1, 1]]
    assert list(sample.excluded["diverged"].values()) == [[2]]
    assert "mostly_diverged" not in sample.excluded
    kept = draw_sample(panel, keep_all=True)
    assert kept.panel is panel
    assert kept.excluded == sample.excluded


@pytest.mark.parametrize(("lost", "whole"), [(4, False), (5, True), (8, True)])
def test_condition_is_left_out_whole_if_more_than_half_diverged(make_run, make_table, lost, whole):
    rows = []
    for width, seed in product((100, 200), range(8)):
        status = {"status": "diverged"} if width == 200 and seed < lost else {}
        rows += make_run(seed, {"loss": 1.0}, width=width, **status)
    panel = read_panel(make_table(rows), "loss")
    sample = draw_sample(panel)
    assert [chosen["width"] for chosen in sample.panel.conditions] == [100, 200][: 2 - whole]
    assert sample.panel.seeds.size == (8 if whole else 8 - lost)
    wide = panel.conditions[1]["condition"]
    assert sample.excluded.get("mostly_diverged", []) == ([wide] if whole else [])
    assert sample.excluded["diverged"] == {wide: list(range(lost))}
    assert draw_sample(panel, keep_all=True).panel is panel


@pytest.mark.parametrize("column", ["engine", "dtype"])
def test_conditions_of_another_engine_or_dtype_are_others(sweep, column):
    settings = [{column: name, "steps": steps} for name in ("one", "two") for steps in (10, 20)]
    table = sweep("loss", lambda seed, **chosen: chosen["steps"], settings, seeds=2)
    panel = read_panel(table, "loss")
    assert [(c[column], c["steps"]) for c in panel.conditions] == [("one", 20), ("two", 20)]
    assert len(settings_of(matching(table, parse_where("where", {column: "two"})))) == 2


def test_condition_with_a_missing_value_is_left_out_whole(sweep):
    # Seeds that did align within the steps are the fast ones.
    def align(seed, width):
        return np.nan if width == 400 and seed == 0 else float(width + seed)

    table = sweep("align_step", align, [{"width": w} for w in (100, 200, 400)], seeds=3)
    sample = draw_sample(read_panel(table, "align_step"))
    assert [chosen["width"] for chosen in sample.panel.conditions] == [100, 200]
    assert sample.panel.seeds.size == 3
    assert len(sample.excluded["no_value"]) == 1


def test_no_condition_with_all_values(sweep):
    table = sweep("align_step", lambda seed: np.nan, [{}], seeds=3)
    with pytest.raises(NotRunError, match="no condition has a value of align_step for every seed"):
        draw_sample(read_panel(table, "align_step"))


def test_metric_that_is_not_recorded(make_run, make_table):
    both = make_run(0, {"decay_rate": 1.0, "rate_bound": 2.0}, width=100)
    one = make_run(0, {"decay_rate": 1.0}, width=200)
    panel = read_panel(make_table(both + one), "rate_ratio")
    assert [chosen["width"] for chosen in panel.conditions] == [100]
    assert len(panel.notes["not_measured"]) == 1
    with pytest.raises(NotRunError, match="the tables do not record rate_bound"):
        read_panel(make_table(one), "rate_ratio")


def test_filters(sweep):
    settings = [{"width": w, "l2": l2} for w in (100, 200, 400) for l2 in (0.0, 0.3, 1.0)]
    table = sweep("loss", lambda seed, **_: 1.0, settings, seeds=1)

    def left(**where):
        found = settings_of(matching(table, parse_where("where", where))).values()
        return {(chosen["width"], chosen["l2"]) for chosen in found}

    assert left() == {(s["width"], s["l2"]) for s in settings}
    assert left(width=200) == {(200, 0), (200, 0.3), (200, 1)}
    assert left(width=[100, 400], l2=0) == {(100, 0), (400, 0)}
    assert left(l2={"above": 0}, width={"at_most": 100}) == {(100, 0.3), (100, 1)}
    assert left(schedule="none", width={"between": [150, 400]}) == {(200, 0), (400, 0)}
    assert left(rule="bp") == set()
    assert left(cutoff_step={"at_least": 0}) == set()
    # eta*l2*steps*sqrt(n/p) is 0.1*l2*sqrt(50/p): .0707, .05 and .0354 at l2 = 1.
    assert left(slow_time={"above": 0.04}) == {(100, 1), (200, 1)}


def test_cutoff_step_survives_parquet(make_run, make_table, tmp_path):
    table = make_table(make_run(0, {"loss": {0: 3.0, 400: 2.0, 1000: 1.0}}, **CUT))
    table.to_parquet(tmp_path / "a.parquet")
    bare = make_table(make_run(0, {"loss": {0: 3.0, 400: 2.0, 1000: 1.0}}))
    bare.to_parquet(tmp_path / "b.parquet")
    both = pd.concat([pd.read_parquet(tmp_path / f"{n}.parquet") for n in "ab"])
    panel = read_panel(both, "loss", "cutoff")
    assert sorted(c["cutoff_step"] or 0 for c in panel.conditions) == [0, 400]
    assert np.nansum(panel.values) == 2.0
