"""From tidy rows to cells: means, spreads, variants, and who is left out."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_alignment.figures import PlotError, readable, tables

SMALL = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=8)


@given(SMALL, st.booleans())
def test_mean_and_band_are_those_of_numpy(values, geometric):
    rows = pd.DataFrame({"cell": 1, "value": values})
    (got,) = tables.mean_over_replicates(rows, ["cell"], geometric).itertuples()
    numbers = np.log(values) if geometric else np.array(values)
    back = np.exp if geometric else np.asarray
    assert got.n == len(values)
    assert got.mean == pytest.approx(back(numbers.mean()), rel=1e-9)
    if len(values) > 1:
        sd = numbers.std(ddof=1)
        scale = abs(numbers).max() + sd
        assert got.sd == pytest.approx(sd, rel=1e-6, abs=1e-9 * scale)
        if not geometric:
            assert got.low == pytest.approx(numbers.mean() - sd, abs=1e-6 * scale)
            assert got.high == pytest.approx(numbers.mean() + sd, abs=1e-6 * scale)
    else:
        assert np.isnan(got.sd)
        assert np.isnan(got.low)


def test_diverged_replicates_count_but_are_in_no_mean(table_of):
    table = table_of("song_alignment_width", "some_diverged")
    kept = tables.metric(table, "weight_alignment")
    assert set(kept["status"]) == {"ok"}
    assert kept["value"].notna().all()
    runs = table.drop_duplicates(["condition", "replicate"])
    assert len(tables.replicates(table)) == len(runs)
    assert len(tables.diverged(table)) == (runs["status"] == "diverged").sum() > 0


def test_last_is_the_value_at_the_last_step(table_of):
    table = table_of("song_trajectories", "full")
    shuffled = table.sample(frac=1, random_state=1)
    last = tables.last(shuffled, "loss")
    assert len(last) == len(table.drop_duplicates(["condition", "replicate"]))
    assert (last["step"] == last["steps"]).all()


def test_variants_name_what_varies_within_a_cell(table_of):
    table = table_of("song_alignment_width", "full")
    keys = ["l2", "schedule", "activation", "width"]
    assert set(tables.with_variant(table, keys)["variant"]) == {""}
    by_rest = tables.with_variant(table, ["activation", "l2", "schedule"])["variant"]
    assert set(by_rest) == {"p = 100", "p = 200", "p = 800"}
    other = table.assign(condition=table["condition"] + "x", samples=80, eta=2e-3)
    both = tables.with_variant(pd.concat([table, other]), keys)
    assert "n = 80, η = 0.002" in set(both["variant"])


def test_reading_takes_the_metrics_asked_for_and_each_replicate_once(table_of, tmp_path):
    table = table_of("song_trajectories", "tiny")
    table.to_parquet(tmp_path / "a.parquet")
    table.assign(experiment="twin").to_parquet(tmp_path / "b.parquet")
    read = tables.read([tmp_path / "a.parquet", tmp_path / "b.parquet"], ["loss"])
    assert set(read["metric"]) == {"loss"}
    assert len(read) == (table["metric"] == "loss").sum()


def test_reading_says_what_is_missing_in_one_line(table_of, tmp_path):
    with pytest.raises(PlotError, match=r"no table .*nowhere\.parquet"):
        tables.read([tmp_path / "nowhere.parquet"], ["loss"])
    with pytest.raises(PlotError, match="no tables given"):
        tables.read([], ["loss"])
    other = table_of("song_kernels", "tiny").drop(columns="metric")
    other.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(PlotError, match=r"t\.parquet has no column metric"):
        tables.read([tmp_path / "t.parquet"], ["loss"])


def test_a_table_without_the_rows_asked_for_is_empty_and_disturbs_no_other(table_of, tmp_path):
    table_of("song_kernels", "tiny").to_parquet(tmp_path / "kernels.parquet")
    table = table_of("song_trajectories", "tiny")
    table.to_parquet(tmp_path / "width.parquet")
    files = [tmp_path / "kernels.parquet", tmp_path / "width.parquet"]
    empty = tables.read(files[:1], ["loss"])
    assert len(empty) == 0
    assert list(empty) == list(table)
    assert len(tables.overview(empty)) == 0
    both = tables.read(files, ["loss"])
    pd.testing.assert_frame_equal(both, tables.read(files[1:], ["loss"]))


def test_overview_counts_how_runs_ended(table_of):
    table = table_of("song_cutoff", "some_diverged")
    overview = tables.overview(table)
    assert overview["runs"].sum() == 36
    assert overview["conditions"].tolist() == [3, 3, 3]
    assert overview.loc[("song_cutoff", "tanh"), "diverged"] == 8


def test_readable_leaves_out_what_has_no_value():
    frame = pd.DataFrame({"a": [0.123456, np.nan], "b": ["x", "y"], "c": [3, 4]})
    assert readable(frame).to_numpy().tolist() == [["0.123", "x", "3"], ["", "y", "4"]]
