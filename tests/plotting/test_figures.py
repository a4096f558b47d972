"""Each figure on good, tiny, broken and lonely data: what is drawn, and that it can be read."""

from collections import defaultdict

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex

from feedback_alignment import plotting
from feedback_alignment.plotting import PlotError, style

FIGURES = [
    "song_convergence",
    "song_alignment_width",
    "song_trajectories",
    "song_cutoff",
    "song_kernels",
    "song_extreme_width",
]
KINDS = ["full", "tiny", "one_replicate", "some_diverged", "all_diverged"]
CASES = [(f, k) for f in FIGURES for k in KINDS if (f, k) != ("song_kernels", "all_diverged")]


def lines(axes, gid="data"):
    return [line for line in axes.get_lines() if line.get_gid() == gid]


def texts(axes, gid):
    return [text for text in axes.texts if text.get_gid() == gid]


def replicate_means(table, metric, keys, at="end", geometric=False):
    """Mean by cell, computed row by row, without the code under test."""
    final = {}
    for row in table.itertuples():
        if row.metric == metric and row.status != "diverged" and np.isfinite(row.value):
            cell = tuple(getattr(row, key) for key in keys)
            replicate = (row.condition, row.replicate)
            if replicate not in final or row.step > final[replicate][1]:
                final[replicate] = (cell, row.step, row.value)
    values = defaultdict(list)
    for cell, _, value in final.values():
        values[cell].append(np.log(value) if geometric else value)
    means = {cell: np.mean(v) for cell, v in values.items()}
    return {cell: np.exp(m) if geometric else m for cell, m in means.items()}


@pytest.mark.parametrize(("figure", "kind"), CASES)
def test_it_is_readable_whatever_the_data(figure, kind, table_of):
    drawn = plotting.draw(figure, table_of(figure, kind))
    canvas = FigureCanvasAgg(drawn)
    with style.context():
        canvas.draw()
    renderer = canvas.get_renderer()
    page = drawn.bbox
    (legend,) = drawn.legends
    above = legend.get_window_extent(renderer).y0
    for axes in drawn.axes:
        if not axes.axison:
            continue
        frame = axes.get_window_extent(renderer)
        assert frame.width > 60
        assert frame.height > 60
        assert axes.get_tightbbox(renderer).y1 <= above + 1
        drawn_here = [line for line in lines(axes) if np.isfinite(line.get_ydata()).any()]
        marked = lines(axes, "unreached")
        assert drawn_here or marked or texts(axes, "all-diverged"), "an empty panel"
        shown = [axes.title, axes._left_title, axes._right_title, axes.xaxis.label]
        for text in [*shown, axes.yaxis.label, *axes.texts]:
            if text.get_text() and text.get_visible():
                box = text.get_window_extent(renderer)
                assert page.x0 - 1 <= box.x0 <= box.x1 <= page.x1 + 1, text.get_text()
                assert page.y0 - 1 <= box.y0 <= box.y1 <= page.y1 + 1, text.get_text()


@pytest.mark.parametrize("figure", FIGURES)
def test_the_summary_has_the_cells_of_the_table(figure, table_of):
    for kind in KINDS:
        summary = plotting.readable(plotting.summary(figure, table_of(figure, kind)))
        assert len(summary) or kind == "all_diverged"
        assert not summary.isin(["nan", "<NA>"]).any(axis=None)


@pytest.mark.parametrize("kind", ["full", "some_diverged", "tiny"])
def test_alignment_against_width_shows_the_means_over_replicates(kind, table_of):
    table = table_of("song_alignment_width", kind)
    drawn = plotting.draw("song_alignment_width", table)
    means = replicate_means(table, "weight_alignment", ["activation", "l2", "width"])
    found = {}
    for axes, activation in zip(drawn.axes, ["linear", "relu", "tanh"], strict=True):
        for line in lines(axes):
            for width, value in zip(*line.get_data(), strict=True):
                found[activation, line.get_color(), width] = value
    expected = {(a, style.l2_color(l2), p): mean for (a, l2, p), mean in means.items()}
    assert found.keys() == expected.keys()
    for cell, value in expected.items():
        assert found[cell] == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("figure", ["song_trajectories", "song_cutoff"])
@pytest.mark.parametrize("kind", ["full", "some_diverged"])
def test_trajectories_end_at_the_mean_final_value(figure, kind, table_of):
    table = table_of(figure, kind)
    if figure == "song_trajectories":
        table = table[table["width"] == table["width"].max()]
    drawn = plotting.draw(figure, table)
    panels = iter(drawn.axes)
    for metric, geometric in (("loss", True), ("weight_alignment", False)):
        keys = ["activation", "schedule", "l2"]
        means = replicate_means(table, metric, keys, geometric=geometric)
        for activation in ("linear", "relu", "tanh"):
            ends = sorted(line.get_ydata()[-1] for line in lines(next(panels)))
            expected = sorted(mean for cell, mean in means.items() if cell[0] == activation)
            assert ends == pytest.approx(expected, rel=1e-12)


def test_trajectories_are_at_the_largest_width_that_every_lambda_has(fakes):
    table = fakes.width(replicates=2, widths=(100, 200, 400), l2s=(0.0, 0.3), activations=("relu",))
    lonely = table[(table["width"] < 400) | (table["l2"] == 0)]
    upper, lower = plotting.draw("song_trajectories", lonely).axes
    assert upper._right_title.get_text() == "$p$ = 200"
    assert len(lines(upper)) == len(lines(lower)) == 2
    assert lower.get_xscale() == "log"


def test_the_loss_axis_shows_the_decayed_runs_and_names_what_leaves_it(table_of):
    table = table_of("song_trajectories", "full")
    panel = plotting.draw("song_trajectories", table).axes[0]
    low = panel.get_ylim()[0]
    decayed = [line for line in lines(panel) if line.get_color() != style.l2_color(0.0)]
    assert all(line.get_ydata()[-1] > 100 * low for line in decayed)
    (floor,) = texts(panel, "floor")
    assert floor.get_text() == "↓ to $1\\times 10^{-27}$"


def test_the_cut_is_marked_and_constant_decay_coincides_until_then(table_of):
    table = table_of("song_cutoff", "full")
    drawn = plotting.draw("song_cutoff", table)
    for axes, steps in zip(drawn.axes[:3], (200_000, 40_000, 8_000), strict=True):
        (cut,) = lines(axes, "cut")
        assert cut.get_xdata()[0] == steps // 2
        same = [line for line in lines(axes) if line.get_color() == style.l2_color(0.3)]
        constant, switched = (np.asarray(line.get_ydata()) for line in same)
        before = np.asarray(same[0].get_xdata()) < steps // 2
        np.testing.assert_allclose(constant[before], switched[before])
        assert same[0].get_linestyle() != same[1].get_linestyle()


def test_convergence_shows_the_error_relative_to_its_start(table_of):
    table = table_of("song_convergence", "full")
    drawn = plotting.draw("song_convergence", table)
    panel = drawn.axes[0]
    assert panel.get_yscale() == "log"
    chosen = (table["activation"] == "linear") & (table["width"] == 200)
    errors = table[chosen & (table["metric"] == "error_norm")]
    for line, (rule, l2) in zip(lines(panel), [("bp", 0), ("fa", 0), ("fa", 0.3)], strict=True):
        assert line.get_color() == style.method_color(rule, l2)
        runs = errors[(errors["rule"] == rule) & (errors["l2"] == l2)]
        wide = runs.pivot(index="step", columns="replicate", values="value")
        expected = np.exp(np.log(wide / wide.loc[0]).mean(axis=1))
        np.testing.assert_array_equal(line.get_xdata(), expected.index)
        np.testing.assert_allclose(line.get_ydata(), expected, rtol=1e-10)


def test_the_theorem_and_the_local_rate_are_drawn_where_they_are_known(table_of):
    table = table_of("song_convergence", "full")
    chosen = (table["activation"] == "relu") & (table["width"] == 800) & (table["rule"] == "fa")
    plain = table[chosen & (table["l2"] == 0)]
    panel = plotting.draw("song_convergence", table).axes[4]
    for name in ("rate_bound", "rate_local"):
        (guide,) = lines(panel, name)
        rate = plain.loc[plain["metric"] == name, "value"].mean()
        x, y = guide.get_data()
        assert y[10] == pytest.approx((1 - rate) ** x[10], rel=1e-9)
    without = table[~table["metric"].isin(["rate_bound", "rate_local"])]
    bare = plotting.draw("song_convergence", without)
    assert not lines(bare.axes[0], "rate_bound") + lines(bare.axes[0], "rate_local")
    names = [text.get_text() for text in bare.legends[0].get_texts()]
    assert names == ["BP", "FA", "FA, λ = 0.3"]


def test_kernels_are_those_before_the_first_step(table_of):
    table = table_of("song_kernels", "full")
    drawn = plotting.draw("song_kernels", table)
    for axes, activation in zip(drawn.axes, ["linear", "relu", "tanh"], strict=True):
        here = table[table["activation"] == activation]
        for line, metric in zip(lines(axes), ["lambda_min_G", "H_spectral_norm"], strict=True):
            expected = here[here["metric"] == metric].groupby("width")["value"].mean()
            np.testing.assert_allclose(line.get_ydata(), expected, rtol=1e-12)
        (limit,) = lines(axes, "expected")
        gamma = here.loc[here["metric"] == "lambda_min_EG", "value"].mean()
        assert limit.get_ydata()[0] == pytest.approx(gamma)
        (guide,) = lines(axes, "guide")
        (p0, p1), (y0, y1) = guide.get_data()
        assert np.log(y1 / y0) / np.log(p1 / p0) == pytest.approx(-0.5)


def test_extreme_width_shows_size_time_and_what_was_not_reached(table_of):
    table = table_of("song_extreme_width", "full")
    still, times, _ = plotting.draw("song_extreme_width", table).axes
    cosines = table[(table["metric"] == "weight_alignment") & (table["l2"] == 0)]
    final = cosines[cosines["step"] == cosines["step"].max()]
    (line,) = lines(still)
    expected = final.groupby("width")["value"].agg(lambda v: np.sqrt(np.mean(v**2)))
    np.testing.assert_allclose(line.get_ydata(), expected, rtol=1e-12)

    steps = table[(table["metric"] == "align_step") & (table["l2"] > 0)]
    for line, l2 in zip(lines(times), [1.0, 3.0], strict=True):
        runs = steps[steps["l2"] == l2]
        reached = runs.groupby("width")["value"].agg(lambda v: v.notna().all())
        mean = runs.groupby("width")["value"].mean()[reached] * 1e-4 * l2
        drawn = np.asarray(line.get_ydata())
        np.testing.assert_allclose(drawn[np.isfinite(drawn)], mean, rtol=1e-12)
        missed = [set(u.get_xdata()) for u in lines(times, "unreached")]
        assert set(reached.index[~reached]) in missed


def test_predicted_course_passes_one_half_where_the_law_says():
    from feedback_alignment.plotting.extreme_width import HALF, law

    slow, cosine = law(50)
    assert np.interp(0.5, cosine, slow) * np.sqrt(50) == pytest.approx(HALF, rel=2e-3)
    assert pytest.approx(0.6415, abs=1e-4) == HALF
    assert (np.diff(slow) > 0).all()
    assert (np.diff(cosine) > 0).all()


def test_one_lambda_has_one_colour_in_every_figure(table_of, fakes):
    of_fa = {}
    for figure in ("song_convergence", "song_alignment_width", "song_trajectories", "song_cutoff"):
        drawn = plotting.draw(figure, table_of(figure, "full"))
        for handle in drawn.legends[0].legend_handles:
            label = handle.get_label().removeprefix("FA, ").split(",")[0]
            of_fa.setdefault(label, set()).add(to_hex(handle.get_color()))
    assert of_fa["λ = 0.3"] == {style.l2_color(0.3)}
    assert of_fa["λ = 0"] | of_fa["FA"] == {style.rule_color("fa")}
    # Another sweep, other neighbours: the colour stays.
    fewer = fakes.width(replicates=2, widths=(100,), l2s=(0.3, 0.7), activations=("relu",))
    drawn = plotting.draw("song_alignment_width", fewer)
    assert [line.get_color() for line in lines(drawn.axes[0])] == [
        style.l2_color(0.3),
        style.l2_color(0.7),
    ]


def test_diverged_runs_are_counted_and_marked(table_of):
    table = table_of("song_alignment_width", "some_diverged")
    drawn = plotting.draw("song_alignment_width", table)
    for axes, activation in zip(drawn.axes, ["linear", "relu", "tanh"], strict=True):
        runs = table[table["activation"] == activation].drop_duplicates(["condition", "replicate"])
        lost = runs[runs["status"] == "diverged"]
        (note,) = texts(axes, "note")
        assert note.get_text() == f"✕ {len(lost)} of {len(runs)} replicates diverged"
        assert len(lines(axes, "diverged")) == lost["condition"].nunique()
    upper = plotting.draw("song_trajectories", table).axes[2]
    assert lines(upper, "diverged")
    assert style.l2_color(0.3) not in [line.get_color() for line in lines(upper)]


def test_an_axis_without_a_place_is_drawn_apart(fakes):
    import pandas as pd

    slow = fakes.width(replicates=2, widths=(100, 200), l2s=(0.0,), activations=("relu",))
    fast = slow.assign(eta=5e-3, condition=slow["condition"] + "-fast", value=slow["value"] / 2)
    drawn = plotting.draw("song_alignment_width", pd.concat([slow, fast]))
    first, second = lines(drawn.axes[0])
    np.testing.assert_allclose(second.get_ydata(), first.get_ydata() / 2)
    assert first.get_linestyle() != second.get_linestyle()
    names = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert names[-2:] == ["η = 0.001", "η = 0.005"]


@pytest.mark.parametrize("figure", FIGURES)
def test_a_new_width_lambda_or_activation_appears_by_itself(figure, fakes):
    made = {
        "song_convergence": lambda: fakes.convergence(2, (300,), ("relu",)),
        "song_alignment_width": lambda: fakes.width(2, (300, 500), (0.0, 7.0), ("relu",)),
        "song_trajectories": lambda: fakes.width(2, (300, 500), (0.0, 7.0), ("relu",)),
        "song_cutoff": lambda: fakes.cutoff(2, ("relu",)),
        "song_kernels": lambda: fakes.kernels(2, (300, 500), ("relu",)),
        "song_extreme_width": lambda: fakes.extreme_width(2, (500, 10**5), (7.0,)),
    }
    table = made[figure]()
    if figure != "song_extreme_width":
        table = table.assign(activation="softplus")
    drawn = plotting.draw(figure, table)
    titles = [axes._left_title.get_text() for axes in drawn.axes]
    assert "softplus" in titles or figure == "song_extreme_width"
    names = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert any("7" in name for name in names) or (table["l2"] != 7.0).all()


def test_the_drawing_needs_no_table_and_shows_both_paths():
    drawn = plotting.draw("song_feedback_paths")
    shown = " ".join(text.get_text() for axes in drawn.axes for text in axes.texts)
    assert "\\beta_r" in shown
    assert "b_r" in shown
    assert "Backpropagation" in shown
    assert "Feedback alignment" in shown


LACKS = {
    "no rows": ("full", lambda t: t["metric"] == ""),
    "other metrics": ("full", lambda t: t["metric"] == "hidden_norm"),
    "bp only": ("full", lambda t: t["rule"] == "bp"),
    "step 0 only": ("full", lambda t: t["step"] == 0),
    "no step 0": ("full", lambda t: t["step"] > 0),
    "no decay": ("full", lambda t: t["l2"] == 0),
    "decay only": ("full", lambda t: t["l2"] > 0),
    "no cutoff": ("full", lambda t: t["schedule"] != "cutoff"),
    "cutoff only": ("full", lambda t: t["schedule"] == "cutoff"),
    "no alignment": ("full", lambda t: t["metric"] != "weight_alignment"),
    "alignment only": ("full", lambda t: t["metric"] == "weight_alignment"),
    "no time to align": ("full", lambda t: t["metric"] != "align_step"),
    "one kernel": ("full", lambda t: t["metric"].isin(["lambda_min_EG", "error_norm"])),
    "diverged, no decay": ("all_diverged", lambda t: t["l2"] == 0),
    "diverged, decay": ("all_diverged", lambda t: t["l2"] > 0),
}


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("case", LACKS)
def test_a_table_that_lacks_rows_is_drawn_all_the_same(figure, case, table_of):
    kind, kept = LACKS[case]
    table = table_of(figure, kind)
    table = table[kept(table)]
    drawn = plotting.draw(figure, table)
    with style.context():
        FigureCanvasAgg(drawn).draw()
    summary = plotting.readable(plotting.summary(figure, table))
    assert not summary.isin(["nan", "<NA>"]).any(axis=None)
    if not drawn.legends:
        (axes,) = drawn.axes
        (reason,) = texts(axes, "missing")
        assert " ".join(reason.get_text().split()) == " ".join(summary["nothing to show"])
        assert "..." not in summary.to_html()


@pytest.mark.parametrize(
    ("figure", "case", "key"),
    [
        ("song_kernels", "no rows", "kernels: true"),
        ("song_kernels", "no step 0", "kernels: true"),
        ("song_cutoff", "no cutoff", "schedule: cutoff"),
        ("song_convergence", "no rows", "error_norm"),
        ("song_convergence", "step 0 only", "steps"),
        ("song_trajectories", "step 0 only", "steps"),
        ("song_trajectories", "bp only", "loss"),
        ("song_extreme_width", "bp only", "rule: fa"),
        ("song_alignment_width", "no alignment", "weight_alignment"),
    ],
)
def test_one_panel_names_what_is_missing_and_the_key_that_provides_it(figure, case, key, table_of):
    table = table_of(figure, "full")
    drawn = plotting.draw(figure, table[LACKS[case][1](table)])
    (axes,) = drawn.axes
    (reason,) = texts(axes, "missing")
    assert key in reason.get_text().replace("\n", " ")
    canvas = FigureCanvasAgg(drawn)
    with style.context():
        canvas.draw()
    box = reason.get_window_extent(canvas.get_renderer())
    assert drawn.bbox.x0 <= box.x0 <= box.x1 <= drawn.bbox.x1
    assert drawn.bbox.y0 <= box.y0 <= box.y1 <= drawn.bbox.y1


def test_convergence_without_kernels_draws_the_errors_and_says_what_gives_the_rest(table_of):
    table = table_of("song_convergence", "full")

    def remark(*gone):
        drawn = plotting.draw("song_convergence", table[~table["metric"].isin(gone)])
        assert len(lines(drawn.axes[0])) == 3
        return drawn.get_supxlabel()

    assert remark() == ""
    without = remark("rate_bound", "rate_local")
    assert without.startswith("No theorem bound or local rate in the table: set kernels: true")
    assert remark("rate_bound").startswith("No theorem bound in the table")


@pytest.mark.parametrize(
    ("l2s", "empty", "key"),
    [((1.0, 3.0), [True, False, False], "l2 to 0"), ((0.0,), [False, True, True], "l2 to a")],
)
def test_panels_of_extreme_width_keep_their_letters(l2s, empty, key, fakes):
    drawn = plotting.draw("song_extreme_width", fakes.extreme_width(2, (100, 10**6), l2s))
    titles = [axes._left_title.get_text() for axes in drawn.axes]
    assert titles == ["(a) no decay", "(b) time to align", "(c) collapse"]
    reasons = [texts(axes, "missing") for axes in drawn.axes]
    assert [bool(reason) for reason in reasons] == empty
    canvas = FigureCanvasAgg(drawn)
    with style.context():
        canvas.draw()
    for axes, found in zip(drawn.axes, reasons, strict=True):
        for reason in found:
            assert key in reason.get_text().replace("\n", " ")
            box = reason.get_window_extent(canvas.get_renderer())
            frame = axes.get_window_extent(canvas.get_renderer())
            assert frame.x0 <= box.x0 <= box.x1 <= frame.x1
    names = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert any("chance" in name for name in names) == (0.0 in l2s)


@pytest.mark.parametrize("least", [-0.3, -0.03, -0.011, -1e-6, 0.002])
@pytest.mark.parametrize("others", [0, 20])
def test_no_point_of_alignment_against_width_is_cut_by_the_axis(least, others, fakes):
    # Many positive points: a logarithmic axis, below which there may be a point.
    widths = (100, *range(200, 200 + 10 * others, 10))
    table = fakes.width(1, widths, (0.0, 1.0), ("relu",))
    final = (table["metric"] == "weight_alignment") & (table["l2"] == 0)
    values = table["value"].where(~final, table["value"].abs())
    table = table.assign(value=values.where(~(final & (table["width"] == 100)), least))
    drawn = plotting.draw("song_alignment_width", table)
    (axes,) = drawn.axes
    canvas = FigureCanvasAgg(drawn)
    with style.context():
        canvas.draw()
    bottom = axes.get_window_extent(canvas.get_renderer()).y0
    points = []
    for line in lines(axes) + lines(axes, "below-zero"):
        drawn_points = line.get_transform().transform(line.get_xydata())
        points += [(y, line.get_markersize()) for _, y in drawn_points if np.isfinite(y)]
    assert len(points) == 2 * len(widths)
    for y, size in points:
        assert y - size / 2 * drawn.dpi / 72 >= bottom
    marked = sum(len(line.get_xdata()) for line in lines(axes, "below-zero"))
    assert marked == (others > 0 and least < 0)
    names = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert ("below zero" in names) == bool(marked)


def test_the_least_size_without_decay_is_inside_the_panel(fakes):
    table = fakes.extreme_width(1, (100, 10**4))
    still = (table["l2"] == 0) & (table["metric"] == "weight_alignment")
    still &= table["width"] == 10**4
    drawn = plotting.draw(
        "song_extreme_width", table.assign(value=table["value"].mask(still, 1e-6))
    )
    assert drawn.axes[0].get_ylim()[0] < 0.6e-6


VARIED = {"engine": "autograd", "dtype": "float32", "eta": 0.5}


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("setting", VARIED)
def test_conditions_that_differ_in_one_setting_are_drawn_apart(figure, setting, table_of):
    import pandas as pd

    table = table_of(figure, "tiny")
    other = table.assign(**{setting: VARIED[setting]}, condition=table["condition"] + "-other")
    other = other.assign(value=table["value"] / 2)
    both = pd.concat([table, other])
    one, two = (plotting.draw(figure, rows) for rows in (table, both))
    if (figure, setting) == ("song_kernels", "eta"):  # before the first step it does nothing
        assert [len(lines(a)) for a in one.axes] == [len(lines(a)) for a in two.axes]
        return
    for before, after in zip(one.axes, two.axes, strict=True):
        curves = lines(after)
        assert len(curves) == 2 * len(lines(before))
        looks = [
            (c.get_color(), str(c._unscaled_dash_pattern), c.get_alpha(), c.get_linewidth())
            for c in curves
        ]
        if figure != "song_extreme_width" or before is not one.axes[2]:
            assert len(set(looks)) == len(looks)
        values = [np.asarray(c.get_ydata(), dtype=float) for c in lines(before)]
        for value in values:  # as without the other: nothing is averaged
            assert any(np.array_equal(c.get_ydata(), value, equal_nan=True) for c in curves)
    canvas = FigureCanvasAgg(two)
    with style.context():
        canvas.draw()
    box = two.legends[0].get_window_extent(canvas.get_renderer())
    assert setting == "eta" or 0 <= box.x0 <= box.x1 <= two.bbox.x1
    names = " ".join(text.get_text() for text in two.legends[0].get_texts())
    shown = {"eta": "η = 0.5"}.get(setting, f"{setting} = {VARIED[setting]}")
    assert shown in names


@pytest.mark.parametrize("figure", [f for f in FIGURES if f != "song_extreme_width"])
def test_erf_and_softplus_have_panels_of_their_own(figure, table_of):
    table = table_of(figure, "full")
    table = table[table["activation"] != "tanh"]
    other = {"linear": "softplus", "relu": "erf"}
    drawn = plotting.draw(figure, table.assign(activation=table["activation"].map(other)))
    titles = [axes._left_title.get_text() for axes in drawn.axes]
    assert set(titles) - {""} == {"erf", "softplus"}
    assert titles.index("erf") < titles.index("softplus")
    assert all(lines(axes) for axes in drawn.axes)


@pytest.mark.parametrize("figure", FIGURES)
def test_a_table_without_a_column_is_refused_in_one_line(figure, table_of):
    table = table_of(figure, "full").drop(columns=["engine", "value"])
    for use in (plotting.draw, plotting.summary):
        with pytest.raises(PlotError, match="no column engine, value") as caught:
            use(figure, table)
        assert "\n" not in str(caught.value)


def test_an_unknown_figure_is_refused():
    with pytest.raises(PlotError, match="song_nothing"):
        plotting.draw("song_nothing")
