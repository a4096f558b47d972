"""Each notebook on good, lonely and broken tables: what is drawn, and that it can be read."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import seaborn
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.text import Text

from feedback_alignment import figures
from feedback_alignment.figures import Quantity, facets, style

ROOT = Path(__file__).parents[2]
FIGURES = sorted(p.stem for p in ROOT.glob("notebooks/*.ipynb") if p.stem != "song_feedback_paths")
# Runs of these end at step 0, before they could diverge.
AT_START = "song_kernels"


@cache
def code_of(figure):
    notebook = json.loads((ROOT / f"notebooks/{figure}.ipynb").read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [("".join(cell["source"]), cell["id"]) for cell in cells if cell["id"] != "parameters"]


@pytest.fixture
def run(monkeypatch):
    """Run a notebook's cells on a table: returns the figure, its `Facets` if any, the numbers."""

    def run(figure, table=None):
        monkeypatch.setattr(
            figures, "read", lambda tables, metrics, **_: table[table["metric"].isin(metrics)]
        )
        monkeypatch.setattr(figures, "save", lambda drawn, out, name: [drawn])
        monkeypatch.setattr("IPython.display.Image", lambda drawn, **_: drawn)
        monkeypatch.setattr("IPython.display.display", lambda drawn: None)
        space = {"figure": figure, "tables": [], "out": ""}
        for source, name in code_of(figure):
            head, _, last = source.rpartition("\n\n") if name == "summary" else (source, "", "")
            exec(head, space)
            if last:
                lines = last.splitlines()
                start = max(i for i, line in enumerate(lines) if line[0] not in " })]")
                exec("\n".join(lines[:start]), space)
                space["numbers"] = eval("\n".join(lines[start:]), space)
        (drawn,) = space["files"]
        return drawn, space.get("shown"), space.get("numbers")

    return run


def lines(axes, gid="data"):
    return [line for line in axes.get_lines() if line.get_gid() == gid]


def texts(axes, gid):
    return [text.get_text() for text in axes.texts if text.get_gid() == gid]


def check_readable(drawn):
    """Drawn at a width of the page, in type that can be read there, and every line is named.

    Text lies on the page, panels below the legend, and each has something in it.
    """
    assert drawn.get_figwidth() in (style.COLUMN, style.TEXT)
    said = [text for text in drawn.findobj(Text) if text.get_text()]
    assert min(text.get_fontsize() for text in said) >= 7
    legends = [*drawn.legends, *filter(None, [axes.get_legend() for axes in drawn.axes])]
    named = {to_hex(key.get_color()) for legend in legends for key in legend.legend_handles}
    titled = {axes._left_title.get_text().partition("λ = ")[2] for axes in drawn.axes} - {""}
    named |= {style.l2_color(float(l2)) for l2 in titled}
    for axes in drawn.axes:
        curves = [line for line in lines(axes) if line.get_linestyle() != "None"]
        assert len(curves) <= 6
        assert {to_hex(curve.get_color()) for curve in curves} <= named
        for gid in ("theory", "law", "limit", "rate_bound", "rate_local", "first-order"):
            dashes = {curve._unscaled_dash_pattern for curve in lines(axes, gid)}
            assert {tuple(d[1]) for d in dashes} <= {style.THEORY["linestyle"][1]}
            theirs = [curve._unscaled_dash_pattern[1] for curve in curves]
            assert style.THEORY["linestyle"][1] not in map(tuple, filter(None, theirs))
    canvas = FigureCanvasAgg(drawn)
    with style.context():
        canvas.draw()
    renderer, page = canvas.get_renderer(), drawn.bbox
    boxes = [legend.get_window_extent(renderer) for legend in drawn.legends]
    for axes in drawn.axes:
        titles = [axes._left_title, axes._right_title]
        shown = [*titles, *axes.texts, *((axes.xaxis.label, axes.yaxis.label) * axes.axison)]
        boxes += [text.get_window_extent(renderer) for text in shown if text.get_text()]
        left, right = (title.get_window_extent(renderer) for title in titles)
        assert not axes._right_title.get_text() or left.x1 < right.x0, "titles overlap"
        if not axes.axison:
            continue
        frame = axes.get_window_extent(renderer)
        assert min(frame.width, frame.height) > 60
        for legend in drawn.legends:
            assert not axes.get_tightbbox(renderer).overlaps(legend.get_window_extent(renderer))
        marked = [line for line in axes.get_lines() if line.get_gid() not in (None, "zero")]
        assert axes.texts or any(np.isfinite(m.get_ydata(orig=False)).any() for m in marked), (
            "empty"
        )
    for box in boxes:
        assert page.x0 - 1 <= box.x0 <= box.x1 <= page.x1 + 1
        assert page.y0 - 1 <= box.y0 <= box.y1 <= page.y1 + 1


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("kind", ["full", "one_replicate", "some_diverged", "all_diverged"])
def test_it_is_readable_however_the_runs_ended(figure, kind, table_of, run):
    if kind == "all_diverged" and figure == AT_START:
        return
    drawn, _, shown = run(figure, table_of(figure, kind))
    check_readable(drawn)
    assert drawn.legends
    shown = figures.readable(shown)
    assert not shown.isin(["nan", "<NA>"]).any(axis=None)
    assert len(shown) or kind == "all_diverged"
    said = " ".join(text.get_text() for axes in drawn.axes for text in axes.texts)
    assert ("diverged" in said) == ("diverged" in kind and figure != AT_START)


LACKS = {
    "no rows": lambda t: t["metric"] == "",
    "bp only": lambda t: t["rule"] == "bp",
    "step 0 only": lambda t: t["step"] == 0,
    "no alignment": lambda t: ~t["metric"].str.contains("alignment"),
    "alignment only": lambda t: t["metric"].str.contains("alignment"),
    "no decay": lambda t: t["l2"] == 0,
    "no controls": lambda t: t["case"].isin(["", "trained", "interpolating", "bp_random"]),
    "controls only": lambda t: ~t["case"].isin(["trained", "interpolating", "bp_random"]),
}


@pytest.mark.parametrize("figure", FIGURES)
def test_a_table_that_lacks_rows_is_drawn_all_the_same(figure, table_of, run, monkeypatch):
    # A layout that the figures' own takes the place of.
    monkeypatch.setattr(seaborn.FacetGrid, "tight_layout", lambda grid, **_: grid)
    table = table_of(figure)
    left = {lack: rows(table) for lack, rows in LACKS.items()}
    # Those that leave the same rows once.
    distinct = {kept.to_numpy().tobytes(): (lack, kept) for lack, kept in left.items()}
    for lack, kept in distinct.values():
        if kept.all():
            continue
        drawn, _, numbers = run(figure, table[kept])
        with style.context():
            drawn.draw_without_rendering()
        assert not figures.readable(numbers).isin(["nan", "<NA>"]).any(axis=None), lack
        if not drawn.legends:
            (axes,) = drawn.axes
            (reason,) = texts(axes, "missing")
            assert reason.startswith("No "), lack
            assert "nothing to show" in numbers, lack


@pytest.mark.parametrize(
    ("figure", "lack", "key"),
    [
        ("song_kernels", "no rows", "kernels: true"),
        ("song_theorem", "bp only", "rule: fa"),
        ("song_theorem", "alignment only", "kernels: true"),
        ("song_samples", "bp only", "rule: fa"),
        ("song_cutoff", "no decay", "schedule: cutoff"),
        ("song_convergence", "step 0 only", "set steps above 0"),
        ("song_alignment_width", "bp only", "rule: fa"),
        ("song_extreme_width", "bp only", "rule: fa"),
        ("chu_stability", "no rows", "loss_rise"),
        ("chu_alignment_performance", "no alignment", "gradient_alignment"),
    ],
)
def test_what_is_missing_is_named_with_the_key_that_provides_it(figure, lack, key, table_of, run):
    table = table_of(figure)
    drawn, *_ = run(figure, table[LACKS[lack](table)])
    (axes,) = drawn.axes
    assert key in texts(axes, "missing")[0].replace("\n", " ")


def test_cases_that_no_figure_knows_are_said_to_be_missing(table_of, run):
    for figure in ("chu_stability", "chu_alignment_performance"):
        drawn, *_ = run(figure, table_of(figure).assign(case="mine"))
        assert "case" in texts(drawn.axes[0], "missing")[0]


def test_guides_follow_the_theorem(table_of, run):
    table = table_of("song_convergence")
    _, shown, _ = run("song_convergence", table)
    for panel in shown:
        fa = panel.cells[(panel.cells["rule"] == "fa") & (panel.cells["l2"] == 0)]
        for name in ("rate_bound", "rate_local"):
            (guide,) = lines(panel.axes, name)
            rate = fa.loc[fa["metric"] == name, "value"].mean()
            x, y = guide.get_data()
            assert y[5] == pytest.approx((1 - rate) ** x[5], rel=1e-9)
    _, bare, _ = run("song_convergence", table[~table["metric"].str.startswith("rate")])
    assert [key.get_label() for key in bare.keys] == ["BP", "FA", "FA, λ = 0.3"]
    assert "kernels: true" in bare.figure.get_supxlabel()


def test_time_is_measured_in_units_of_the_theorem(table_of, run):
    table = table_of("song_samples")
    _, shown, _ = run("song_samples", table)
    for panel in shown:
        fa = panel.cells[panel.cells["samples"] == 100]
        expected = fa["step"].max() * fa.loc[fa["metric"] == "rate_bound", "value"].mean()
        assert lines(panel.axes)[-1].get_xdata()[-1] == pytest.approx(expected)
        for guide, rate in zip(lines(panel.axes, "theory"), (1, 4), strict=True):
            x, y = guide.get_data()
            assert y[5] == pytest.approx(np.exp(-rate * x[5]), rel=1e-9)
        head, *ratios = texts(panel.axes, "hypothesis")
        assert "gamma/4" in head
        found = [float(ratio.partition(": ")[2]) for ratio in ratios]
        assert found == pytest.approx([5 / 6, 5 / 3, 10 / 3], rel=0.2)


def test_the_law_is_drawn_where_the_table_has_it(table_of, run):
    table = table_of("song_alignment_width")
    found = table[(table["metric"] == "weight_alignment") & (table["activation"] == "linear")]
    predicted = found.assign(metric="law_alignment", value=0.9 * found["value"])
    for rows, drawn in ((table, 0), (pd.concat([table, predicted], ignore_index=True), 2)):
        _, shown, _ = run("song_alignment_width", rows)
        assert [len(lines(panel.axes, "law")) for panel in shown] == [drawn, 0, 0]
        labels = {key.get_label() for key in shown.keys}
        assert ("law of wide linear networks" in labels) == bool(drawn)
    (law,) = lines(shown.panels[0].axes, "law")[:1]
    ends = found[(found["l2"] == 0.3) & (found["step"] == found["step"].max())]
    expected = 0.9 * ends.groupby("width")["value"].mean()
    np.testing.assert_allclose(law.get_ydata(), expected, rtol=1e-12)


def test_loss_is_shown_at_the_widest_of_the_widths(table_of, run):
    _, shown, _ = run("song_loss", table_of("song_loss"))
    assert {panel.axes._right_title.get_text() for panel in shown.panels[:3]} == {"$p$ = 800"}


def test_a_panel_names_what_leaves_it(table_of):
    loss = Quantity("loss", "loss", log=True, estimator="geometric", limits=lambda n: (1e-6, 10))
    shown = facets(
        table_of("song_loss"), loss, x="step", log_x=True, col="activation", hue="l2", by=["width"]
    )
    assert "↓ to $1\\times 10^{-27}$" in texts(shown.panels[0].axes, "floor")
    lowest = min(line.get_ydata()[-1] for line in lines(shown.panels[0].axes)[1:])
    assert lowest > 100 * shown.panels[0].axes.get_ylim()[0]


def test_kernels_have_their_limit_and_slope(table_of, run):
    _, shown, _ = run("song_kernels", table_of("song_kernels"))
    for panel in shown:
        limits, (guide,) = lines(panel.axes, "limit"), lines(panel.axes, "guide")
        assert [limit.get_ydata()[0] for limit in limits] == pytest.approx([12, 3])
        (p0, p1), (y0, y1) = guide.get_data()
        assert np.log(y1 / y0) / np.log(p1 / p0) == pytest.approx(-0.5)


def test_each_run_lies_where_the_theorem_puts_it(table_of, run):
    table = table_of("song_theorem")
    _, shown, numbers = run("song_theorem", table)
    (panel,) = shown
    runs = table[table["rule"] == "fa"].drop_duplicates(["condition", "replicate", "metric"])
    found = runs.pivot(index=["condition", "replicate"], columns="metric", values="value")
    expected = {
        (norm / (gamma / 4), least / -np.log(1 - bound))
        for norm, gamma, bound, least in zip(
            *(found[n] for n in ("H_spectral_norm", "lambda_min_EG", "rate_bound", "rate_least")),
            strict=True,
        )
    }
    points = {xy for line in lines(panel.axes) for xy in zip(*line.get_data(), strict=True)}
    np.testing.assert_allclose(sorted(points), sorted(expected))
    assert [key.get_label() for key in shown.keys][:4] == ["linear", "ReLU", "tanh", "$p$ = 200"]
    counts = numbers[["at most 1", "as fast as promised"]].astype(int)
    assert list(counts.itertuples(index=False, name=None)) == [(0, 3), (3, 3)] * 2 + [(0, 0)] * 2


def test_the_cut_is_marked(table_of, run):
    _, shown, _ = run("song_cutoff", table_of("song_cutoff"))
    for panel in shown:
        (cut,) = lines(panel.axes, "cut")
        assert cut.get_xdata()[0] == panel.cells["steps"].max() // 2
        broad = [line for line in lines(panel.axes) if "constant" in line.get_label()]
        assert all(line.get_linewidth() > 3 for line in broad)
        assert broad


def test_alignment_shows_layers_null_and_controls(table_of, run):
    table = table_of("chu_alignment")
    _, shown, _ = run("chu_alignment", table)
    assert len(shown.panels) == 5
    names = [line.get_label() for line in lines(shown.panels[-1].axes)]
    controls = ["fresh feedback every step", "hidden layers frozen"]
    controls += ["feedback tied at 0°", "feedback tied at 90°"]
    assert sorted(names) == sorted(["plain FA", *controls])
    (own,) = [axes.get_legend() for axes in shown.figure.axes if axes.get_legend()]
    assert [text.get_text() for text in own.get_texts()] == ["plain FA", *controls]
    dashes = [line._unscaled_dash_pattern[1] for line in lines(shown.panels[-1].axes)]
    assert [d and tuple(d) for d in dashes] == [None, *[style.NULL["linestyle"][1]] * 4]
    upper = {line.get_label(): line for line in lines(shown.panels[1].axes)}
    both = ["all hidden layers", "DFA, all hidden layers", "null: unused feedback"]
    assert list(upper) == ["layer 1", "layer 2", *both]
    here = (table["depth"] == 2) & (table["init_scale"] == 0.1) & (table["case"] == "trained")
    here &= table["rule"] == "fa"
    rows = table[here & (table["layer"] == "2") & (table["metric"] == "gradient_alignment")]
    expected = rows.groupby("step")["value"].mean()
    np.testing.assert_allclose(upper["layer 2"].get_ydata(), expected)
    np.testing.assert_allclose(upper["layer 2"].get_xdata(), expected.index / 28)
    null = table[here & (table["metric"] == "null_gradient_alignment")]
    expected = null[null["layer"] == "hidden"].groupby("step")["value"].mean()
    np.testing.assert_allclose(upper["null: unused feedback"].get_ydata(), expected)


def test_after_a_switch_the_loss_is_relative_and_alignment_stops_at_rounding(table_of, run):
    table = table_of("chu_after_switch").copy()
    late = (table["metric"] == "loss") & (table["step"] > 400) & (table["case"] == "bp_random")
    table.loc[late, "value"] = 1e-25
    _, shown, _ = run("chu_after_switch", table)
    upper, lower = ({c.get_label(): c for c in lines(panel.axes)} for panel in shown)
    own = table[
        (table["case"] == "bp_alone") & (table["metric"] == "loss") & (table["step"] >= 300)
    ]
    wide = own.pivot(index="step", columns="replicate", values="value")
    expected = np.exp(np.log(wide / wide.loc[300]).mean(axis=1)).iloc[1:]
    control = upper["then BP, $p$ = 16"]
    np.testing.assert_array_equal(control.get_xdata(), expected.index - 300)
    np.testing.assert_allclose(control.get_ydata(), expected)
    assert max(lower["then FA, $p$ = 16"].get_xdata()) == 100
    assert max(upper["then FA, $p$ = 16"].get_xdata()) == 200


def test_fixed_points_go_on_by_bp_in_the_panels_of_their_network(table_of, run):
    table = table_of("chu_fixed_points")
    _, shown, numbers = run("chu_fixed_points", table)
    upper, lower = shown.panels[:2], shown.panels[2:]
    titles = ["tanh, $p$ = 64, $n$ = 15", "linear, $p$ = 4, $n$ = 150"]
    assert [panel.axes._left_title.get_text() for panel in upper] == titles
    assert [len(lines(panel.axes)) for panel in upper] == [2, 3]
    for panel in (upper[1], lower[1]):
        (mark,) = lines(panel.axes, "switch")
        assert mark.get_xdata()[0] == 2000
    before, after = (line.get_ydata()[-1] for line in lines(lower[1].axes))
    assert after < before
    ratios = numbers["gradient / update"]
    assert float(ratios.xs("narrow", level="case").item().split()[0]) > 100
    assert ratios.xs("then_bp", level="case").item() == ""
    # Without the undisturbed run, the switched one is drawn whole.
    _, alone, _ = run("chu_fixed_points", table[table["case"] == "then_bp"])
    ends = [(min(x), max(x)) for x in (line.get_xdata() for line in lines(alone.panels[0].axes))]
    assert (min(first for first, _ in ends), max(last for _, last in ends)) == (0, 4000)
    # Networks that differ in the dimension of the data have it in their names.
    linear = table[table["width"] == 4]
    more = linear.assign(dimension=20, condition=linear["condition"] + "-d")
    _, several, _ = run("chu_fixed_points", pd.concat([table, more], ignore_index=True))
    titles = {panel.axes._left_title.get_text() for panel in several.panels[:3]}
    assert {f"linear, $p$ = 4, $n$ = 150, $d$ = {d}" for d in (20, 64)} < titles


def test_descent_marks_the_half_fall_and_sums_the_first_order(table_of, run):
    table = table_of("chu_descent")
    _, shown, numbers = run("chu_descent", table)
    plain = table[(table["case"] == "trained") & (table["metric"] == "loss")]
    plain = plain[plain["rule"] == "fa"]
    for panel in shown:
        here = plain[plain["init_scale"] == panel.cells["init_scale"].iloc[0]]
        loss = here.groupby("step")["value"].mean()
        half = loss.index[(loss <= (loss.iloc[0] + loss.iloc[-1]) / 2).argmax()]
        (mark,) = lines(panel.axes, "half")
        assert mark.get_xdata()[0] == half
    (total,) = lines(shown.panels[-1].axes, "first-order")  # in the fake runs, the whole fall
    np.testing.assert_allclose(total.get_ydata(), loss)
    of_fa = numbers.xs("fa", level="rule")
    parts = of_fa["fall / undisturbed fall"].unstack("case")
    assert [text.split()[0] for text in parts["frozen_hidden"]] == ["0.2", "0.2"]
    assert of_fa["first order / fall"].unstack("case")["trained"].str.startswith("1").all()
    assert (numbers["replicates"] == 3).all()
    # A sum needs every step, and all samples.
    for rows in (table[table["step"] % 5 == 0], table.assign(batch_size=50)):
        drawn, *_ = run("chu_descent", rows)
        assert not any(lines(axes, "first-order") for axes in drawn.axes)


def test_a_random_walk_grows_as_the_step_and_its_ratio_is_one(table_of, run):
    _, shown, _ = run("chu_random_walk", table_of("chu_random_walk"))
    assert [key.get_label() for key in shown.keys][:2] == ["plain FA", "plain DFA"]
    above, below = shown.panels[1], shown.panels[3]
    slopes = [np.diff(np.log(line.get_data())).ravel() for line in lines(above.axes, "theory")]
    assert [y / x for x, y in slopes] == pytest.approx([1, 2])
    (walk,) = lines(below.axes, "walk")
    (fresh,) = [line for line in lines(below.axes) if "fresh" in line.get_label()]
    np.testing.assert_allclose(fresh.get_ydata(), walk.get_ydata()[0], rtol=0.1)


def test_scalings_have_their_slopes(table_of, run):
    _, shown, _ = run("song_scaling", table_of("song_scaling"))
    for panel in shown:
        (chance,) = lines(panel.axes, "guide")
        np.testing.assert_allclose(chance.get_ydata(), np.power(chance.get_xdata(), -0.5))
        levels = [line.get_ydata() for line in lines(panel.axes, "theory")]
        assert [len(set(level)) for level in levels] == [1, 1]


def test_published_accuracies_below_the_axis_do_not_widen_it(table_of, run):
    table = table_of("song_mnist").copy()
    table.loc[table["metric"] == "accuracy", "value"] *= 0.9
    _, shown, _ = run("song_mnist", table)
    axes = shown.panels[0].axes
    ends = [line.get_ydata()[-1] for line in lines(axes)]
    assert axes.get_ylim()[0] > min(ends) - 0.1
    theirs = np.concatenate([line.get_ydata() for line in lines(axes, "published")])
    assert theirs.size
    assert theirs.min() > axes.get_ylim()[0]


def test_one_lambda_has_one_colour_in_every_figure(table_of, run):
    found = {}
    for figure in ("song_convergence", "song_alignment_width", "song_loss", "song_cutoff"):
        _, shown, _ = run(figure, table_of(figure))
        for key in shown.keys:
            label = key.get_label().removeprefix("FA, ").split(",")[0]
            found.setdefault(label, set()).add(key.get_color())
    assert found["λ = 0.3"] == {style.l2_color(0.3)}
    assert found["λ = 0"] | found["FA"] == {style.rule_color("fa")}
