"""Figures of runs of deep networks: alignment, descent and fixed points against the step."""

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from feedback_alignment import plotting
from feedback_alignment.plotting import style
from feedback_alignment.plotting.chu_alignment import control_name

_SPEC = importlib.util.spec_from_file_location(
    "fake_chu_courses", Path(__file__).with_name("fake_chu_courses.py")
)
fakes = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(fakes)

MAKERS = {
    "chu_alignment": fakes.alignment,
    "chu_descent": fakes.descent,
    "chu_fixed_points": fakes.fixed_points,
}
STEPS = {"chu_alignment": 56, "chu_descent": 4, "chu_fixed_points": (4, 6)}
FIGURES = list(MAKERS)
KINDS = ["full", "tiny", "one_replicate", "some_diverged", "all_diverged"]


def some_diverge(cell, replicate):
    """A run everywhere, all replicates with large weights or frozen layers or of one width."""
    return (
        replicate == 0
        or cell["freeze_step"] == 0
        or cell["width"] == 12
        or (cell["init_scale"] == 1.0 and cell["width"] == 64)
    )


@cache
def table_of(figure, kind):
    options = {
        "full": {"replicates": 3},
        "tiny": {"replicates": 2, "steps": STEPS[figure]},
        "one_replicate": {"replicates": 1},
        "some_diverged": {"replicates": 3, "status": some_diverge},
        "all_diverged": {"replicates": 2, "status": lambda cell, replicate: True},
    }
    return MAKERS[figure](**options[kind])


def lines(axes, gid="data"):
    return [line for line in axes.get_lines() if line.get_gid() == gid]


def texts(axes, gid):
    return [text for text in axes.texts if text.get_gid() == gid]


def shown(figure):
    return [axes for axes in figure.axes if axes.axison]


def titles(figure):
    return [(a._left_title.get_text(), a._right_title.get_text()) for a in shown(figure)]


def names(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def check_readable(drawn):
    canvas = FigureCanvasAgg(drawn)
    with style.context():
        canvas.draw()
    renderer = canvas.get_renderer()
    (legend,) = drawn.legends
    box = legend.get_window_extent(renderer)
    assert 0 <= box.x0 <= box.x1 <= drawn.bbox.x1
    for axes in drawn.axes:
        if axes.get_legend():
            own = axes.get_legend().get_window_extent(renderer)
            assert own.x1 <= drawn.bbox.x1 + 1
            assert own.y0 >= drawn.bbox.y0 - 1
        if not axes.axison:
            continue
        frame = axes.get_window_extent(renderer)
        assert frame.width > 60
        assert frame.height > 60
        assert axes.get_tightbbox(renderer).y1 <= box.y0 + 1
        full = [line for line in lines(axes) if np.isfinite(line.get_ydata()).any()]
        assert full or texts(axes, "all-diverged"), "an empty panel"
        left, right = (
            title.get_window_extent(renderer) for title in (axes._left_title, axes._right_title)
        )
        if axes._right_title.get_text():
            assert left.x1 < right.x0
        for text in [axes._left_title, axes.xaxis.label, axes.yaxis.label, *axes.texts]:
            if text.get_text() and text.get_visible():
                found = text.get_window_extent(renderer)
                assert drawn.bbox.x0 - 1 <= found.x0 <= found.x1 <= drawn.bbox.x1 + 1
                assert drawn.bbox.y0 - 1 <= found.y0 <= found.y1 <= drawn.bbox.y1 + 1


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_readable_whatever_the_data(figure, kind):
    table = table_of(figure, kind)
    check_readable(plotting.draw(figure, table))
    summary = plotting.readable(plotting.summary(figure, table))
    assert len(summary) or kind == "all_diverged"
    assert not summary.isin(["nan", "<NA>"]).any(axis=None)


@pytest.mark.parametrize("figure", FIGURES)
def test_a_further_rule_has_panels_of_its_own(figure):
    table = table_of(figure, "full")
    other = table.assign(rule="dfa", condition=table["condition"] + "-dfa")
    other = other.assign(value=table["value"] / 2)
    some = other["init_scale"] == other["init_scale"].min()
    both = pd.concat([table, other[some]])
    one, two = plotting.draw(figure, table), plotting.draw(figure, both)
    check_readable(two)
    assert len(shown(two)) > len(shown(one))
    assert any("DFA" in name for name in names(two))
    where = [a.get_ylabel() + a._left_title.get_text() for a in shown(two)]
    assert any("rule = dfa" in text for text in where)
    curves = [np.asarray(line.get_ydata(), float) for a in shown(two) for line in lines(a)]
    for axes in shown(one):  # as without the other rule: nothing is averaged
        for line in lines(axes):
            assert any(np.array_equal(line.get_ydata(), y, equal_nan=True) for y in curves)
    assert len(plotting.summary(figure, both)) > len(plotting.summary(figure, table))


@pytest.mark.parametrize("figure", FIGURES)
def test_settings_without_a_place_are_named_and_drawn_apart(figure):
    table = table_of(figure, "full")
    changed = {"eta": 0.5, "engine": "autograd", "feedback_scale": 2.0}
    other = table.assign(**changed, condition=table["condition"] + "-other")
    drawn = plotting.draw(figure, pd.concat([table, other.assign(value=table["value"] / 2)]))
    check_readable(drawn)
    assert len(shown(drawn)) == 2 * len(shown(plotting.draw(figure, table)))
    where = " ".join(a.get_ylabel() + a._left_title.get_text() for a in shown(drawn))
    assert "η = 0.5" in where
    assert "autograd" in where


@pytest.mark.parametrize(
    ("figure", "metric", "key"),
    [
        ("chu_alignment", "gradient_alignment", "gradient_alignment"),
        ("chu_descent", "descent_share", "descent: true"),
        ("chu_descent", "loss", "loss"),
        ("chu_fixed_points", "rule_gradient_norm", "rule_gradient_norm"),
    ],
)
def test_what_a_table_lacks_is_said(figure, metric, key):
    table = table_of(figure, "full")
    table = table[table["metric"] != metric]
    (axes,) = plotting.draw(figure, table).axes
    (reason,) = texts(axes, "missing")
    assert key in reason.get_text().replace("\n", " ")
    assert "nothing to show" in plotting.summary(figure, table)


@pytest.mark.parametrize("figure", FIGURES)
def test_a_table_of_the_start_or_of_nothing_is_said_to_be_one(figure):
    table = table_of(figure, "full")
    for rows in (table[table["step"] == 0], table[:0]):
        (axes,) = plotting.draw(figure, rows).axes
        assert texts(axes, "missing")
        assert "nothing to show" in plotting.summary(figure, rows)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, ""),
        ({"redraw_step": 1, "redraw_every": 1}, "fresh feedback every step"),
        ({"redraw_step": 9}, "fresh feedback at step 9"),
        ({"redraw_step": 9, "redraw_every": 3}, "fresh feedback every 3 steps from step 9"),
        ({"tie_step": 0, "tie_every": 1, "tie_angle": 90.0}, "feedback tied at 90°"),
        ({"tie_step": 0, "tie_angle": 10.0}, "feedback tied at 10° at step 0"),
        ({"freeze_step": 0}, "hidden layers frozen"),
        ({"freeze_step": 7}, "hidden layers frozen from step 7"),
        (
            {"switch_step": 3000, "switch_rule": "fa", "perturb_step": 3000, "perturb_size": 1e-4},
            "switched to FA at step 3\u2009000, perturbed by 0.0001 at step 3\u2009000",
        ),
    ],
)
def test_interventions_are_put_into_words(settings, words):
    cell = fakes.COMMON | settings
    table = fakes.fakes.finish([fakes.rows("e", cell, 0, {("loss", ""): ([0], [1.0])})])
    assert control_name(table.iloc[0]) == words


def test_alignment_shows_the_means_of_every_layer_and_of_the_null():
    table = table_of("chu_alignment", "some_diverged")
    drawn = plotting.draw("chu_alignment", table)
    (panel,) = [
        axes
        for axes, title in zip(shown(drawn), titles(drawn), strict=True)
        if title == ("3 hidden layers", "$\\sigma$ = 0.1")
    ]
    rows = table[(table["depth"] == 3) & (table["init_scale"] == 0.1)]
    rows = rows[rows["status"] == "ok"]
    expected = []
    for metric, layer in [
        ("null_gradient_alignment", "hidden"),
        *(("gradient_alignment", layer) for layer in ("hidden", "1", "2", "3")),
    ]:
        part = rows[(rows["metric"] == metric) & (rows["layer"] == layer)]
        expected.append(part.groupby("step")["value"].mean())
    for line, mean in zip(lines(panel), expected, strict=True):
        np.testing.assert_allclose(line.get_ydata(), mean, rtol=1e-12)
        np.testing.assert_allclose(line.get_xdata(), mean.index / 28)
    assert panel.get_xlabel() == "" or panel.get_xlabel() == "epoch"
    (note,) = texts(panel, "note")
    assert note.get_text() == "✕ 1 of 3 replicates diverged"


def test_alignment_has_a_panel_for_each_scale_and_depth_and_one_for_controls():
    drawn = plotting.draw("chu_alignment", table_of("chu_alignment", "full"))
    depths = ["1 hidden layer", "2 hidden layers", "3 hidden layers"]
    grid = [(depth, f"$\\sigma$ = {scale}") for scale in ("0.1", "1") for depth in depths]
    assert titles(drawn) == [*grid, ("2 hidden layers", "$\\sigma$ = 0.1")]
    controls = shown(drawn)[-1]
    assert len(lines(controls)) == 5
    (legend,) = [axes.get_legend() for axes in drawn.axes if axes.get_legend()]
    assert [text.get_text() for text in legend.get_texts()] == [
        "plain FA",
        "fresh feedback every step",
        "hidden layers frozen",
        "feedback tied at 0°",
        "feedback tied at 90°",
    ]
    looks = {(line.get_color(), str(line._unscaled_dash_pattern)) for line in lines(controls)}
    assert len(looks) == 5


def test_alignment_without_controls_or_null_or_plain_runs_is_drawn_all_the_same():
    table = table_of("chu_alignment", "full")
    plain = table["condition"].isin(
        table.loc[table[["redraw_step", "tie_step", "freeze_step"]].isna().all(axis=1), "condition"]
    )
    drawn = plotting.draw("chu_alignment", table[plain])
    check_readable(drawn)
    assert len(shown(drawn)) == 6
    drawn = plotting.draw("chu_alignment", table[~plain])
    check_readable(drawn)
    assert len(shown(drawn)) == 1
    drawn = plotting.draw("chu_alignment", table[table["metric"] == "gradient_alignment"])
    check_readable(drawn)
    assert "null_alignment: true" in drawn.get_supxlabel()


def test_descent_marks_the_half_fall_of_the_mean_loss():
    table = table_of("chu_descent", "full")
    drawn = plotting.draw("chu_descent", table)
    for column, scale in enumerate((0.1, 1.0)):
        free = table[(table["init_scale"] == scale) & table["freeze_step"].isna()]
        loss = free[free["metric"] == "loss"].groupby("step")["value"].mean()
        half = loss.index[(loss <= (loss.iloc[0] + loss.iloc[-1]) / 2).argmax()]
        for row in range(3):
            (mark,) = lines(drawn.axes[2 * row + column], "half")
            assert mark.get_xdata()[0] == half


def test_descent_shows_shares_alignment_and_both_losses():
    table = table_of("chu_descent", "full")
    drawn = plotting.draw("chu_descent", table)
    here = table[table["init_scale"] == 1.0]
    free = here[here["freeze_step"].isna()]

    def mean(rows, metric, layer):
        rows = rows[(rows["metric"] == metric) & (rows["layer"] == layer)]
        return rows.groupby("step")["value"].mean()

    top, middle, bottom = drawn.axes[1], drawn.axes[3], drawn.axes[5]
    for line, layer in zip(lines(top), ("1", "2", "3", "output"), strict=True):
        np.testing.assert_allclose(line.get_ydata(), mean(free, "descent_share", layer))
    (line,) = lines(middle)  # frozen layers do not move
    np.testing.assert_allclose(line.get_ydata(), mean(free, "gradient_alignment", "hidden"))
    frozen = here[here["freeze_step"].notna()]
    for line, rows in zip(lines(bottom), (free, frozen), strict=True):
        np.testing.assert_allclose(line.get_ydata(), mean(rows, "loss", ""))
    # In the fake runs the first order is the whole fall.
    (total,) = lines(bottom, "first-order")
    np.testing.assert_allclose(total.get_ydata(), mean(free, "loss", ""))


def test_the_first_order_sum_needs_every_step_and_all_samples():
    table = table_of("chu_descent", "full")
    for rows in (table[table["step"] % 5 == 0], table.assign(batch_size=50)):
        drawn = plotting.draw("chu_descent", rows)
        assert not any(lines(axes, "first-order") for axes in drawn.axes)
        assert not any("first-order" in name for name in names(drawn))


def test_descent_summary_is_taken_replicate_by_replicate():
    summary = plotting.summary("chu_descent", table_of("chu_descent", "one_replicate"))
    assert list(summary.index) == [0.1, 1.0]
    small, large = (summary.loc[scale] for scale in (0.1, 1.0))
    assert float(small["fall, hidden layers frozen"]) == pytest.approx(0.15, abs=1e-3)
    assert float(large["fall, hidden layers frozen"]) == pytest.approx(0.9, abs=1e-3)
    assert float(small["first order / fall"]) == pytest.approx(1, abs=1e-3)


def test_descent_of_frozen_runs_alone_says_what_to_add():
    table = table_of("chu_descent", "full")
    (axes,) = plotting.draw("chu_descent", table[table["freeze_step"].notna()]).axes
    (reason,) = texts(axes, "missing")
    assert "freeze_step" in reason.get_text()


def test_fixed_points_have_a_column_for_each_network_and_go_on_by_bp():
    table = table_of("chu_fixed_points", "full")
    drawn = plotting.draw("chu_fixed_points", table)
    upper, lower = drawn.axes[:3], drawn.axes[3:]
    assert [axes._left_title.get_text() for axes in upper] == [
        "tanh, $p$ = 128, $n$ = 15",
        "linear, $p$ = 12, $n$ = 150",
        "linear, $p$ = 4, $n$ = 150",
    ]
    for axes in (upper[2], lower[2]):
        (mark,) = lines(axes, "switch")
        assert mark.get_xdata()[0] == 30_000
    assert not lines(upper[0], "switch")
    assert [len(lines(axes)) for axes in upper] == [2, 2, 3]
    rows = table[table["width"] == 4]
    for line, metric, switched in zip(
        lines(upper[2]),
        ("rule_gradient_norm", "bp_gradient_norm", "bp_gradient_norm"),
        (False, False, True),
        strict=True,
    ):
        part = rows[(rows["metric"] == metric) & (rows["switch_step"].notna() == switched)]
        part = part[part["step"] >= 30_000] if switched else part
        mean = np.exp(np.log(part["value"]).groupby(part["step"]).mean())
        np.testing.assert_array_equal(line.get_xdata(), mean.index)
        np.testing.assert_allclose(line.get_ydata(), mean, rtol=1e-12)
    before, after = (line.get_ydata()[-1] for line in lines(lower[2]))
    assert after < before
    written = [text.get_text() for text in texts(lower[2], "end")]
    assert written == [f"{before:.3g}", f"{after:.3g}"]
    assert upper[0].get_yscale() == lower[0].get_yscale() == "log"
    assert upper[0].get_ylim() == upper[2].get_ylim()
    assert names(drawn)[-1] == "switched to BP at step 30\u2009000"


def test_a_switched_run_without_the_undisturbed_one_is_drawn_whole():
    table = table_of("chu_fixed_points", "full")
    table = table[table["switch_step"].notna()]
    drawn = plotting.draw("chu_fixed_points", table)
    check_readable(drawn)
    update, gradient = lines(drawn.axes[0])
    assert max(update.get_xdata()) < 30_000  # then the gradient is the update
    assert (min(gradient.get_xdata()), max(gradient.get_xdata())) == (0, 60_000)


def test_the_summary_has_no_update_where_bp_trains():
    summary = plotting.summary("chu_fixed_points", table_of("chu_fixed_points", "full"))
    switched = summary.xs("switched to BP at step 30\u2009000", level="control").iloc[0]
    assert np.isnan(switched["update"])
    assert switched["gradient"] < 1e-3
    still = summary.xs((4, ""), level=("width", "control")).iloc[0]
    assert still["least ratio"] > 1e4


def test_networks_that_differ_in_the_inputs_say_so():
    table = table_of("chu_fixed_points", "tiny")
    table = table[(table["width"] == 12)]
    other = table.assign(dimension=8, condition=table["condition"] + "-8")
    drawn = plotting.draw("chu_fixed_points", pd.concat([table, other]))
    assert {axes._left_title.get_text() for axes in drawn.axes[:2]} == {
        "linear, $p$ = 12, $n$ = 150, $d$ = 8",
        "linear, $p$ = 12, $n$ = 150, $d$ = 16",
    }
