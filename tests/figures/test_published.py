"""Published values: drawn where the frame has them, in our colours, and named once."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from feedback_alignment import figures
from feedback_alignment.figures import FigureError, Quantity, facets, published, style

COS = Quantity("weight_alignment", "cosine", log=True)
LOSS = Quantity("loss", "loss", log=True, estimator="geometric")
LABEL = "published (Song 2021 code)"


@pytest.fixture
def by_width():
    """Ends at three widths, one of them beyond ours, for two activations."""
    rows = [
        {"activation": a, "width": p, "l2": x, "metric": "weight_alignment", "layer": "output"}
        | {"mean": (0.2 + x) / np.sqrt(p), "sd": 0.01, "n": 10, "step": 5000}
        for a in ("linear", "relu") for p in (200, 800, 3200) for x in (0.0, 0.3)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def ours(table):
    return facets(
        table, COS, x="width", col="activation", hue="l2", marker="o", final=True, by=["schedule"]
    )


def drawn(axes):
    return [line for line in axes.get_lines() if line.get_gid() == "published"]


def names(shown):
    return [text.get_text() for text in shown.figure.legends[0].get_texts()]


def test_markers_lie_where_the_frame_says_in_the_colours_of_ours(table_of, by_width):
    shown = ours(table_of("song_alignment_width"))
    published(shown, by_width)
    for panel in shown:
        here = by_width[by_width["activation"] == panel.cells["activation"].iloc[0]]
        colors = {line.get_label(): line.get_color() for line in panel.axes.get_lines()}
        assert len(drawn(panel.axes)) == (2 if len(here) else 0)
        for line, (l2, part) in zip(drawn(panel.axes), here.groupby("l2"), strict=True):
            np.testing.assert_array_equal(line.get_xdata(), part["width"])
            np.testing.assert_array_equal(line.get_ydata(), part["mean"])
            assert line.get_color() == colors[style.l2_name(l2)]
            assert (line.get_marker(), line.get_markerfacecolor()) == ("D", "none")
            assert line.get_linestyle() == "None"
            low, high = panel.axes.get_xlim()
            assert low < 200 < 3200 < high
        bars = [c.lines[2][0] for c in panel.axes.containers]
        for bar, (_, part) in zip(bars, here.groupby("l2"), strict=True):
            ends = np.array([segment[:, 1] for segment in bar.get_segments()])
            expected = np.column_stack([part["mean"] - 0.01, part["mean"] + 0.01])
            np.testing.assert_allclose(ends, expected)
    lowest = by_width["mean"].min()
    assert all(panel.axes.get_ylim()[0] < lowest for panel in shown)
    assert names(shown) == ["λ = 0", "λ = 0.3", "λ = 1", LABEL]
    published(shown, by_width)
    assert names(shown).count(LABEL) == 1
    FigureCanvasAgg(shown.figure).draw()


def test_courses_are_thin_lines_in_the_panels_of_their_metric_and_width(table_of):
    table = table_of("song_loss")
    table = table[table["width"] == 800]
    shown = facets(table, [LOSS, COS], x="step", log_x=True, col="activation", hue="l2")
    curve = pd.DataFrame({"activation": "relu", "metric": "loss", "l2": 0.3, "step": [50, 10**6]})
    curve = curve.assign(mean=[30.0, 1e-40], sd=np.nan, width=800)
    narrow = curve.assign(width=100)
    published(shown, pd.concat([narrow, curve]))
    with_points = [panel for panel in shown if drawn(panel.axes)]
    ((panel, line),) = [(panel, line) for panel in with_points for line in drawn(panel.axes)]
    assert panel.quantity is LOSS
    assert panel.cells["activation"].unique().tolist() == ["relu"]
    np.testing.assert_array_equal(line.get_data(), [[50, 10**6], [30.0, 1e-40]])
    assert line.get_linestyle() != "None"
    assert panel.axes.get_xlim()[1] >= 10**6
    assert panel.axes.get_ylim()[0] < 1e-40
    assert names(shown)[-1] == LABEL


def test_a_decay_of_theirs_alone_gets_an_entry_of_its_own(table_of, by_width):
    shown = ours(table_of("song_alignment_width"))
    published(shown, by_width.assign(l2=0.2))
    assert names(shown)[-2:] == ["λ = 0.2", LABEL]


def test_points_that_no_panel_shows_change_nothing(table_of, by_width):
    shown = ours(table_of("song_alignment_width"))
    before = names(shown)
    published(shown, by_width.assign(metric="accuracy"))
    assert names(shown) == before
    published(facets(table_of("rules_width")[:0], COS, x="width"), by_width)


def test_points_without_a_column_or_of_another_rule_are_refused_in_one_line(table_of, by_width):
    shown = ours(table_of("song_alignment_width"))
    with pytest.raises(FigureError, match="the published points have no column mean, width"):
        published(shown, by_width.drop(columns=["width", "mean"]))
    several = facets(table_of("song_loss"), [LOSS, COS], x="step", by=["width"], hue="l2")
    with pytest.raises(FigureError, match="no column metric"):
        published(several, by_width.drop(columns="metric"))
    published(shown, by_width.assign(rule="fa"))
    with pytest.raises(FigureError, match="the published points are of bp; allowed: fa"):
        published(shown, by_width.assign(rule="bp"))
    assert figures.published is published
