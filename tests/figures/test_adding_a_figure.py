"""The examples of docs/adding_a_figure.md run, and give the files that the contract asks for."""

import re
from pathlib import Path

import matplotlib
import pytest

BLOCKS = re.findall(
    r"```python\n(.*?)```",
    (Path(__file__).parents[2] / "docs/adding_a_figure.md").read_text(encoding="utf-8"),
    flags=re.DOTALL,
)


@pytest.mark.parametrize("example", [1, 2], ids=["seaborn", "facets"])
def test_an_example_saves_its_figure_alike_each_time(example, table_of, tmp_path, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    # As in the workflow's kernels.
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    monkeypatch.setitem(matplotlib.rcParams, "svg.hashsalt", "any")
    table_of("song_loss").to_parquet(tmp_path / "t.parquet")
    saved = []
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        space: dict = {}
        exec(BLOCKS[0], space)
        exec(BLOCKS[example], space | {"tables": [tmp_path / "t.parquet"], "out": tmp_path / place})
        saved.append({path.name: path.read_bytes() for path in (tmp_path / place).iterdir()})
    assert set(saved[0]) == {f"loss_by_width.{end}" for end in ("svg", "pdf", "png")}
    assert saved[0] == saved[1]
