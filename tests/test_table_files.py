"""Stored files: whole or not at all, the same bytes each time, and only the agreed columns."""

import numpy as np
import pandas as pd
import pytest

from feedback_alignment.files import replacing, write_text
from feedback_alignment.tables import (
    COLUMNS,
    StoredTables,
    read_tables,
    tidy_frame,
    write_table,
)

_EXAMPLES = {"str": "x", "float64": 0.5, "int64": 10, "Int64": None, "bool": False}
# One value a column, but for those that `frame` fills.
ROW = {
    name: _EXAMPLES[kind]
    for name, kind in COLUMNS.items()
    if name not in ("replicate", "step", "metric", "value")
}


def frame(values=(0.1, np.nan)):
    count = len(values)
    return tidy_frame(
        ROW | {"replicate": [0] * count, "step": range(count), "metric": ["loss"] * count}
        | {"value": list(values)}
    )  # fmt: skip


def test_a_table_comes_back_from_both_files_as_it_was(tmp_path):
    table = frame((0.1, 1 / 3, np.nan))
    write_table(table, tmp_path / "t.parquet", tmp_path / "t.csv")
    pd.testing.assert_frame_equal(read_tables([tmp_path / "t.parquet"]), table)
    csv = pd.read_csv(tmp_path / "t.csv", keep_default_na=False, na_values={"value": [""]})
    assert list(csv.columns) == list(COLUMNS)
    np.testing.assert_array_equal(csv["value"], table["value"])


def test_stored_tables_are_read_when_they_are_asked_for(tmp_path):
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    tables = StoredTables({"both": paths, "none": []})
    assert list(tables) == ["both", "none"]
    assert len(tables) == 2
    assert tables["none"] is None
    for path in paths:
        write_table(frame(), path, path.with_suffix(".csv"))
    pd.testing.assert_frame_equal(tables["both"], read_tables(paths))
    with pytest.raises(KeyError):
        tables["other"]


def test_tables_are_read_one_under_the_other(tmp_path):
    for name in "ab":
        write_table(frame(), tmp_path / f"{name}.parquet", tmp_path / f"{name}.csv")
    assert len(read_tables([tmp_path / "a.parquet", tmp_path / "b.parquet"])) == 4


def test_files_repeat_byte_for_byte(tmp_path):
    for name in "ab":
        write_table(frame(), tmp_path / f"{name}.parquet", tmp_path / f"{name}.csv")
    for end in ("parquet", "csv"):
        assert (tmp_path / f"a.{end}").read_bytes() == (tmp_path / f"b.{end}").read_bytes()


@pytest.mark.parametrize("change", [{"extra": 1}, None])
def test_a_table_has_exactly_the_agreed_columns(change):
    columns = ROW | {"replicate": [0], "step": [0], "metric": ["loss"], "value": [1.0]}
    columns = columns | change if change else {k: v for k, v in columns.items() if k != "replicate"}
    wrong = "extra" if change else "replicate"
    with pytest.raises(ValueError, match=f"columns do not fit: {wrong}"):
        tidy_frame(columns)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    write_text(tmp_path / "file.txt", "old")

    def fail():
        with replacing(tmp_path / "file.txt") as temporary:
            temporary.write_text("half")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]
    assert (tmp_path / "file.txt").read_text() == "old"
