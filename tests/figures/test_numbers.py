"""From tidy rows to cells: means, spreads, variants, and who is left out."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_alignment.figures import FigureError, numbers, readable

SMALL = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=8)


@given(SMALL, st.booleans())
def test_mean_and_band_are_those_of_numpy(values, geometric):
    rows = pd.DataFrame({"cell": 1, "value": values})
    (got,) = numbers.estimate(rows, ["cell"], "geometric" if geometric else "mean").itertuples()
    given = np.log(values) if geometric else np.array(values)
    back = np.exp if geometric else np.asarray
    assert got.n == len(values)
    assert got.mean == pytest.approx(back(given.mean()), rel=1e-9)
    if len(values) > 1:
        sd = given.std(ddof=1)
        scale = abs(given).max() + sd
        assert got.sd == pytest.approx(sd, rel=1e-6, abs=1e-9 * scale)
        if not geometric:
            assert got.low == pytest.approx(given.mean() - sd, abs=1e-6 * scale)
            assert got.high == pytest.approx(given.mean() + sd, abs=1e-6 * scale)
    else:
        assert np.isnan(got.sd)
        assert np.isnan(got.low)


def test_estimator_and_error_bar_may_be_functions():
    rows = pd.DataFrame({"cell": [1, 1, 1, 2], "value": [1.0, 2.0, 9.0, 4.0]})
    got = numbers.estimate(rows, ["cell"], np.median, lambda v: (v.min(), v.max()))
    assert got[["mean", "low", "high"]].to_numpy().tolist() == [[2, 1, 9], [4, 4, 4]]


def test_relative_values_are_those_of_each_replicate(table_of):
    table = table_of("song_convergence")
    relative = numbers.relative(table, "error_norm")
    errors = relative[relative["metric"] == "error_norm"]
    assert (errors.loc[errors["step"] == 0, "value"] == 1).all()
    rest = table["metric"] != "error_norm"
    pd.testing.assert_frame_equal(relative[rest], table[rest])


def test_diverged_replicates_count_but_are_in_no_mean(table_of):
    table = table_of("song_alignment_width", "some_diverged")
    kept = numbers.metric(table, "weight_alignment")
    assert set(kept["status"]) == {"ok"}
    assert kept["value"].notna().all()
    runs = table.drop_duplicates(["condition", "replicate"])
    assert len(numbers.replicates(table)) == len(runs)
    assert len(numbers.diverged(table)) == (runs["status"] == "diverged").sum() > 0


def test_several_metrics_are_read_as_each_alone(table_of):
    table = table_of("song_loss", "full")
    names = ["loss", "weight_alignment"]
    alone = pd.concat([numbers.metric(table, name) for name in names])
    pd.testing.assert_frame_equal(numbers.metric(table, names), alone.sort_index())


def test_last_is_the_value_at_the_last_step(table_of):
    table = table_of("song_loss", "full")
    shuffled = table.sample(frac=1, random_state=1)
    last = numbers.last(numbers.metric(shuffled, "loss"))
    assert len(last) == len(table.drop_duplicates(["condition", "replicate"]))
    assert (last["step"] == last["steps"]).all()


def test_variants_name_what_varies_within_a_cell(table_of):
    table = table_of("song_alignment_width", "full")
    keys = ["l2", "schedule", "activation", "width"]
    assert set(numbers.variants(table, keys)) == {""}
    by_rest = numbers.variants(table, ["activation", "l2", "schedule"])
    assert set(by_rest) == {"p = 100", "p = 800"}
    other = table.assign(condition=table["condition"] + "x", samples=80, eta=2e-3)
    both = pd.concat([table, other])
    assert "n = 80, η = 0.002" in set(numbers.variants(both, keys))
    assert set(numbers.variants(both, keys, ignore=["eta", "samples"])) == {""}


def test_reading_takes_the_metrics_asked_for_and_each_replicate_once(table_of, tmp_path):
    table = table_of("song_loss", "full")
    table.to_parquet(tmp_path / "a.parquet")
    table.assign(experiment="twin").to_parquet(tmp_path / "b.parquet")
    read = numbers.read([tmp_path / "a.parquet", tmp_path / "b.parquet"], ["loss"])
    assert set(read["metric"]) == {"loss"}
    assert len(read) == (table["metric"] == "loss").sum()
    table.assign(case="other").to_parquet(tmp_path / "b.parquet")
    read = numbers.read([tmp_path / "a.parquet", tmp_path / "b.parquet"], ["loss"], each_case=True)
    assert read.value_counts("case").tolist() == [(table["metric"] == "loss").sum()] * 2


def test_reading_says_what_is_missing_in_one_line(table_of, tmp_path):
    with pytest.raises(FigureError, match=r"no table .*nowhere\.parquet"):
        numbers.read([tmp_path / "nowhere.parquet"], ["loss"])
    with pytest.raises(FigureError, match="no tables given"):
        numbers.read([], ["loss"])
    other = table_of("song_kernels", "full").drop(columns="metric")
    other.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(FigureError, match=r"t\.parquet has no column metric"):
        numbers.read([tmp_path / "t.parquet"], ["loss"])


def test_a_table_without_the_rows_asked_for_is_empty_and_disturbs_no_other(table_of, tmp_path):
    table_of("song_kernels", "full").to_parquet(tmp_path / "kernels.parquet")
    table = table_of("song_loss", "full")
    table.to_parquet(tmp_path / "width.parquet")
    files = [tmp_path / "kernels.parquet", tmp_path / "width.parquet"]
    empty = numbers.read(files[:1], ["loss"])
    assert len(empty) == 0
    assert list(empty) == list(table)
    assert len(numbers.overview(empty)) == 0
    both = numbers.read(files, ["loss"])
    pd.testing.assert_frame_equal(both, numbers.read(files[1:], ["loss"]))


def test_overview_counts_how_runs_ended(table_of):
    overview = numbers.overview(table_of("song_cutoff", "some_diverged"))
    assert overview["runs"].sum() == 27
    assert overview["conditions"].tolist() == [3, 3, 3]
    assert overview.loc[("song_cutoff", "tanh"), "diverged"] == 3


def test_readable_leaves_out_what_has_no_value():
    frame = pd.DataFrame({"a": [0.123456, np.nan], "b": ["x", "y"], "c": [3, 4]})
    assert readable(frame).to_numpy().tolist() == [["0.123", "x", "3"], ["", "y", "4"]]
