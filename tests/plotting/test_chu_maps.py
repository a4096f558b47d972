"""Stability of minima, and alignment against accuracy: what is drawn, on good and broken tables."""

import importlib.util
from colorsys import rgb_to_hls
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from scipy.stats import beta, spearmanr

from feedback_alignment import plotting
from feedback_alignment.plotting import chu_performance, interventions, style

_PATH = Path(__file__).with_name("fake_chu_maps.py")
_SPEC = importlib.util.spec_from_file_location("fake_chu_maps", _PATH)
fakes = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(fakes)

FIGURES = {"chu_stability": fakes.stability, "chu_alignment_performance": fakes.performance}
FATES = {
    "full": (4, None),
    "one_replicate": (1, None),
    "some_diverged": (
        4,
        lambda cell, replicate: 400 if replicate == 0 and cell["rule"] == "bp" else None,
    ),
    "early": (4, lambda cell, replicate: 150 if replicate == 0 else None),
    "all_diverged": (2, lambda cell, replicate: 150),
}


@cache
def table_of(figure, kind="full"):
    replicates, status = FATES.get(kind, (2, None))
    return FIGURES[figure](replicates=replicates, status=status)


@cache
def drawn_of(figure, kind="full"):
    """The figure of a whole table; tests share it, so they must not change it."""
    return plotting.draw(figure, table_of(figure, kind))


def texts(axes, gid):
    return [text.get_text() for text in axes.texts if text.get_gid() == gid]


def lines(axes, gid="data"):
    return [line for line in axes.get_lines() if line.get_gid() == gid]


def drawn_in(axes):
    """Whether a line of data, or a mark or level that stands for some, has a point."""
    return any(
        np.isfinite(line.get_ydata(orig=False)).any()
        for line in axes.get_lines()
        if line.get_gid() is not None
    )


def check_page(drawn):
    """Text lies on the page, panels below the legend and each with something in it."""
    renderer = FigureCanvasAgg(drawn).get_renderer()
    with style.context():
        drawn.draw_without_rendering()
    page = drawn.bbox
    boxes = [text.get_window_extent(renderer) for text in drawn.texts if text.get_text()]
    above = page.y1
    if drawn.legends:
        boxes.append(drawn.legends[0].get_window_extent(renderer))
        above = boxes[-1].y0
    for axes in drawn.axes:
        assert axes.get_window_extent(renderer).height > 60
        assert axes.get_tightbbox(renderer).y1 <= above + 1
        assert drawn_in(axes) or axes.texts, "an empty panel"
        titles = [axes.title, axes._left_title, axes._right_title]
        shown = [*titles, axes.xaxis.label, axes.yaxis.label, *axes.texts]
        boxes += [text.get_window_extent(renderer) for text in shown if text.get_text()]
        left, right = (title.get_window_extent(renderer) for title in titles[1:])
        assert not titles[2].get_text() or left.x1 < right.x0, "titles overlap"
    for box in boxes:
        assert page.x0 - 1 <= box.x0 <= box.x1 <= page.x1 + 1
        assert page.y0 - 1 <= box.y0 <= box.y1 <= page.y1 + 1


def test_all_diverged_is_what_the_panels_say():
    for figure in FIGURES:
        panels = drawn_of(figure, "all_diverged").axes
        said = [" ".join(text.get_text().split()) for axes in panels for text in axes.texts]
        assert not [text for text in said if text.startswith(("No ", "One "))]
        assert any("replicates diverged" in text for text in said)


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("kind", FATES)
def test_it_is_readable_however_the_runs_ended(figure, kind):
    table = table_of(figure, kind)
    check_page(drawn_of(figure, kind))
    summary = plotting.readable(plotting.summary(figure, table))
    assert len(summary)
    assert not summary.isin(["nan", "<NA>"]).any(axis=None)


STABILITY_LACKS = {
    "no rows": lambda t: t["metric"] == "",
    "no eigenvalues": lambda t: ~t["metric"].isin(["K_real", "K_imag"]),
    "no ratio": lambda t: t["metric"] != "stability_ratio",
    "no rise": lambda t: t["metric"] != "loss_rise",
    "no loss": lambda t: t["metric"] != "loss",
    "no alignment": lambda t: t["metric"] != "gradient_alignment",
    "bp only": lambda t: (t["rule"] == "bp") & (t["switch_rule"] == ""),
    "fa only": lambda t: t["rule"] == "fa",
    "tied only": lambda t: t["tie_step"].notna(),
    "wide only": lambda t: t["width"] == 64,
    "not random": lambda t: t["switch_step"].isna() | t["tie_step"].notna(),
    "step 0 only": lambda t: t["step"] == 0,
}
PERFORMANCE_LACKS = {
    "no rows": lambda t: t["metric"] == "",
    "no alignment": lambda t: t["metric"] != "gradient_alignment",
    "no accuracy": lambda t: t["metric"] != "accuracy",
    "bp only": lambda t: t["rule"] == "bp",
    "not frozen": lambda t: t["freeze_step"].isna(),
    "frozen only": lambda t: t["freeze_step"].notna(),
    "no decay": lambda t: t["l2"] == 0,
    "decay only": lambda t: t["l2"] > 0,
    "one condition": lambda t: (
        (t["l2"] == 0) & (t["width"] == 16) & (t["depth"] == 1) & (t["init_scale"] == 0.1)
    ),
    "step 0 only": lambda t: t["step"] == 0,
    "no alignment of FA": lambda t: (t["metric"] == "accuracy") | (t["rule"] == "bp"),
}
LACKS = {"chu_stability": STABILITY_LACKS, "chu_alignment_performance": PERFORMANCE_LACKS}
CASES = [(figure, case) for figure, cases in LACKS.items() for case in cases]


@pytest.mark.parametrize(("figure", "case"), CASES)
def test_a_table_that_lacks_rows_is_drawn_all_the_same(figure, case):
    table = table_of(figure, "two_replicates")
    table = table[LACKS[figure][case](table)]
    drawn = plotting.draw(figure, table)
    check_page(drawn)
    summary = plotting.readable(plotting.summary(figure, table))
    assert not summary.isin(["nan", "<NA>"]).any(axis=None)
    if not drawn.legends:
        (reason,) = texts(drawn.axes[0], "missing")
        assert " ".join(reason.split()) == " ".join(summary["nothing to show"])


@pytest.mark.parametrize(
    ("figure", "case", "key"),
    [
        ("chu_stability", "no rows", "loss_rise"),
        ("chu_alignment_performance", "no rows", "accuracy"),
        ("chu_alignment_performance", "no alignment", "gradient_alignment"),
    ],
)
def test_a_whole_figure_names_what_is_missing(figure, case, key):
    table = table_of(figure)
    (axes,) = plotting.draw(figure, table[LACKS[figure][case](table)]).axes
    assert key in texts(axes, "missing")[0]


def test_runs_without_an_intervention_at_a_trained_network_name_the_settings():
    table = table_of("chu_stability").assign(perturb_step=pd.NA, perturb_size=0.0)
    plain = table[table["switch_step"].isna() & table["redraw_step"].isna()]
    plain = plain.astype({"perturb_step": "Int64"})
    (axes,) = plotting.draw("chu_stability", plain).axes
    assert "perturb_step" in texts(axes, "missing")[0]


def test_each_spectrum_is_that_of_its_runs_before_and_at_the_intervention():
    table = table_of("chu_stability")
    drawn = drawn_of("chu_stability")
    narrow = table[(table["width"] == 16) & (table["replicate"] == 0)]
    switched = narrow["switch_rule"] == "fa"
    chosen = [
        switched & narrow["tie_step"].isna(),
        (narrow["rule"] == "fa") & narrow["redraw_step"].isna(),
        narrow["redraw_step"].notna(),
        narrow["tie_step"].notna() & (narrow["tie_angle"] == 0),
    ]
    for axes, those in zip(drawn.axes[:4], chosen, strict=True):
        rows = narrow[those]
        real = rows[rows["metric"] == "K_real"]
        for gids, step in ((("before",), 299), (("data", "unstable"), 300)):
            expected = np.sort(real.loc[real["step"] == step, "value"])
            shown = [line.get_xdata() for gid in gids for line in lines(axes, gid)]
            np.testing.assert_array_equal(np.sort(np.concatenate(shown)), expected)
        assert all((line.get_xdata() < 0).all() for line in lines(axes, "unstable"))
        assert axes.get_xscale() == axes.get_yscale() == "symlog"
        for line in (*lines(axes, "before"), *lines(axes)):
            x, y = line.get_data()
            assert axes.get_xlim()[0] < np.min(x, initial=0)
            assert axes.get_xlim()[1] > np.max(x, initial=0)
            assert axes.get_ylim()[0] < np.min(y, initial=0)
    mean = table[(table["metric"] == "stability_ratio") & (table["step"] == 300)]
    mean = mean[(mean["switch_rule"] == "fa") & mean["tie_step"].isna() & (mean["width"] == 16)]
    shown = texts(drawn.axes[0], "ratio")[0].replace("\N{MINUS SIGN}", "-")
    assert shown == f"$r$ = {mean['value'].mean():.2f}, mean of 4 replicates"


def test_the_loss_is_relative_to_that_at_the_intervention():
    table = table_of("chu_stability")
    axes = drawn_of("chu_stability").axes[4]
    assert axes.get_yscale() == "log"
    loss = table[(table["metric"] == "loss") & (table["step"] >= 300) & table["tie_step"].isna()]
    control = loss[(loss["rule"] == "bp") & (loss["switch_rule"] == "")]
    wide = control.pivot(index="step", columns="replicate", values="value")
    expected = np.exp(np.log(wide / wide.loc[300]).mean(axis=1))
    (line,) = [x for x in lines(axes) if x.get_color() == style.rule_color("bp")]
    np.testing.assert_array_equal(line.get_xdata(), expected.index - 300)
    np.testing.assert_allclose(line.get_ydata(), expected, rtol=1e-10)
    assert len(lines(axes, "replicate")) == 3 * 4


def test_shares_and_their_intervals_count_who_stays():
    table = table_of("chu_stability", "some_diverged")
    axes = drawn_of("chu_stability", "some_diverged").axes[6]
    rise = table[(table["metric"] == "loss_rise") & table["tie_step"].notna()]
    shown = [bars for bars in axes.containers if bars.lines[0].get_gid() == "share"]
    bars = {bar.lines[0].get_xdata()[0]: bar for bar in shown}
    assert len(bars) == 4 + 2
    for angle, part in rise.groupby("tie_angle"):
        stay = int((part["value"] < 100).sum())  # NaN, as of the diverged one, is not below
        line, _, (segments,) = bars[angle].lines
        assert line.get_ydata()[0] == stay / 4
        ((_, low), (_, high)) = segments.get_segments()[0]
        assert low == pytest.approx(beta.ppf(0.025, stay, 5 - stay) if stay else 0.0)
        assert high == pytest.approx(beta.ppf(0.975, stay + 1, 4 - stay) if stay < 4 else 1.0)


def test_each_replicate_has_its_alignment_and_rise():
    table = table_of("chu_stability", "some_diverged")
    axes = drawn_of("chu_stability", "some_diverged").axes[7]
    at = table[(table["layer"] == "hidden") & (table["step"] == 300)]
    runs = at[(at["switch_rule"] == "fa") | (at["rule"] == "fa")]
    kept = runs[runs["status"] == "ok"].set_index(["condition", "replicate"])["value"]
    rise = table[table["metric"] == "loss_rise"].set_index(["condition", "replicate"])["value"]
    expected = sorted(zip(kept, rise.reindex(kept.index), strict=True))
    shown = [point for line in lines(axes) for point in zip(*line.get_data(), strict=True)]
    np.testing.assert_allclose(sorted(shown), expected)
    lost = [x for line in lines(axes, "diverged") for x in line.get_xdata()]
    assert sorted(lost) == sorted(runs.loc[runs["status"] == "diverged", "value"])


def test_alignment_along_the_way_stops_where_the_loss_is_rounding():
    table = table_of("chu_stability").copy()
    late = (table["metric"] == "loss") & (table["step"] > 400)
    table.loc[late, "value"] = 1e-25
    axes = plotting.draw("chu_stability", table).axes[5]
    assert max(line.get_xdata().max() for line in lines(axes)) == 100


def test_other_settings_are_counted_not_mixed_in():
    table = table_of("chu_stability")
    part = table[table["switch_step"].notna() & table["tie_step"].isna()]
    other = part.assign(samples=20, condition=part["condition"] + "-more", value=9.0)
    drawn = plotting.draw("chu_stability", pd.concat([table, other]))
    assert "2 further conditions differ in other settings" in drawn.get_supxlabel()
    chosen = interventions.select(pd.concat([table, other]))
    assert set(chosen["samples"]) == {15}
    pd.testing.assert_frame_equal(
        plotting.summary("chu_stability", pd.concat([table, other])),
        plotting.summary("chu_stability", table),
    )


@pytest.mark.parametrize("widths", [(64, 128), (32, 64, 128, 256, 1024), (8, 64)])
def test_every_other_width_has_a_shade_and_a_place_of_its_own(widths):
    table = fakes.stability(wide=widths)
    drawn = plotting.draw("chu_stability", table)
    check_page(drawn)
    handles = drawn.legends[0].legend_handles
    names = [f"BP minimum, then FA, $p$ = {style.count(p)}" for p in sorted((16, *widths))]
    keys = {key.get_label(): key for key in handles}
    assert set(names) <= set(keys)
    colors = {name: to_hex(keys[name].get_color()) for name in names}
    assert len(set(colors.values())) == len(names)
    others = [colors[name] for name in names if not name.endswith(" 16")]
    lightness = [rgb_to_hls(*to_rgb(color))[1] for color in others]
    assert lightness == sorted(lightness, reverse=True)
    hues = [rgb_to_hls(*to_rgb(color))[0] for color in others]
    assert np.ptp(hues) < 0.03

    loss, path, shares, criterion = drawn.axes[4:]
    for axes in (loss, path):
        curves = [to_hex(line.get_color()) for line in lines(axes)]
        assert sorted({*curves} - {style.rule_color("bp")}) == sorted(colors.values())
    squares = {to_hex(line.get_color()) for line in lines(criterion) if line.get_marker() == "s"}
    assert squares == set(others)

    shown = [bars for bars in shares.containers if bars.lines[0].get_gid() == "share"]
    bars = {to_hex(bar.lines[0].get_color()): bar for bar in shown}
    rise = table[(table["metric"] == "loss_rise") & table["tie_step"].isna()]
    rise = rise[rise["switch_rule"] == "fa"]
    places = []
    for width, name in zip(sorted((16, *widths)), names, strict=True):
        line = bars[colors[name]].lines[0]
        stay = (rise.loc[rise["width"] == width, "value"] < 100).mean()
        assert line.get_ydata()[0] == stay
        places.append(shares.transData.transform((line.get_xdata()[0], 0))[0])
    # A marker is 4.2 points wide, six pixels.
    assert np.diff(sorted(places)).min() > 6
    boxes = [tick.get_window_extent() for tick in shares.get_xticklabels() if tick.get_text()]
    assert all(a.x1 < b.x0 for a, b in pairwise(sorted(boxes, key=lambda box: box.x0)))
    assert max(places) < shares.get_window_extent().x1


def test_feedback_at_an_angle_may_have_a_step_size_of_its_own():
    table = fakes.stability(tied_eta=0.05, wide=(64, 128))
    drawn = plotting.draw("chu_stability", table)
    chosen = interventions.select(table)
    assert set(chosen["condition"]) == set(table["condition"])
    note = drawn.get_supxlabel()
    assert "Feedback at an angle: η = 0.05; the others: η = 0.1." in note
    assert "further" not in note
    assert len(drawn.axes[6].containers) == 4 + 3
    assert "η" not in drawn_of("chu_stability").get_supxlabel()


def test_further_step_sizes_and_other_settings_are_left_out_and_counted():
    table = fakes.stability(tied_eta=0.05)
    tied = table["tie_step"].notna()
    again = table[tied & (table["tie_angle"] == 0)].assign(eta=0.1, condition="again")
    other = table[tied & (table["tie_angle"] == 30)].assign(samples=20, condition="other")
    more = pd.concat([table, again, other])
    drawn = plotting.draw("chu_stability", more)
    note = drawn.get_supxlabel()
    assert "Feedback at an angle: η = 0.05; the others: η = 0.1." in note
    assert "2 further conditions differ in other settings" in note
    pd.testing.assert_frame_equal(
        plotting.summary("chu_stability", more), plotting.summary("chu_stability", table)
    )


def test_other_settings_than_the_step_size_are_never_mixed():
    table = fakes.stability(tied_eta=0.05)
    tied = table["tie_step"].notna()
    rest = table[~tied].assign(samples=20)
    chosen = interventions.select(pd.concat([table[tied], rest]))
    assert chosen["samples"].nunique() == 1


def test_accuracy_and_alignment_are_means_at_the_end():
    table = table_of("chu_alignment_performance", "some_diverged")
    found = chu_performance.conditions(table).set_index("condition")
    final = table[(table["step"] == 840) & (table["status"] == "ok")]
    for metric, name in (("accuracy", "accuracy"), ("gradient_alignment", "alignment")):
        rows = final[(final["metric"] == metric) & (final["layer"] != "1")]
        by = rows.groupby("condition")["value"]
        bp = found["rule"] == "bp"
        own = found[~bp] if name == "alignment" else found
        np.testing.assert_allclose(own[name], by.mean()[own.index])
        np.testing.assert_allclose(own[f"{name}_sd"], by.std()[own.index])
        if name == "alignment":
            assert (found.loc[bp, "alignment"] == 1).all()
    assert found["lost"].sum() == 3


def test_the_series_over_decays_holds_the_size_with_most_conditions():
    table = table_of("chu_alignment_performance")
    found = chu_performance.conditions(table)
    swept = found[found["swept"]]
    assert set(zip(swept["init_scale"], swept["width"], swept["depth"], strict=True)) == {
        (0.3, 64, 1)
    }
    assert len(swept) == 3 + 3 + 1
    first, second, third, fourth = drawn_of("chu_alignment_performance").axes
    assert first._right_title.get_text() == "σ = 0.3, width 64, depth 1"
    assert sorted(texts(first, "control")) == [
        "hidden layers frozen",
        "random features, width 256",
    ]
    assert (
        len([bars for bars in first.containers if bars.lines[0].get_gid() == "data"]) == 3 + 3 + 2
    )
    assert len(lines(second)) == 3 * 2 * 2 * 2
    assert second._left_title.get_text() == "(b) all 24"
    learnt = found[~found["frozen"] & (found["rule"] == "fa")]
    expected = np.corrcoef(learnt["accuracy"], learnt["alignment"])[0, 1]
    ranks = spearmanr(learnt["accuracy"], learnt["alignment"]).statistic
    shown = second._right_title.get_text().replace("\N{MINUS SIGN}", "-")
    assert shown == f"correlation {expected:+.2f}, ranks {ranks:+.2f}"
    for axes, name in ((third, "accuracy"), (fourth, "alignment")):
        for line in lines(axes):
            rule = "bp" if line.get_color() == style.rule_color("bp") else "fa"
            curve = swept[(swept["rule"] == rule) & ~swept["frozen"]].sort_values("l2")
            np.testing.assert_array_equal(line.get_xdata(), curve["l2"])
            np.testing.assert_allclose(line.get_ydata(), curve[name])
        assert axes.get_xlim()[0] < 0
        assert "0" in [tick.get_text() for tick in axes.get_xticklabels()]
        (level,) = lines(axes, "frozen")
        own = swept.loc[swept["frozen"], name].item()
        assert level.get_ydata()[0] == pytest.approx(own)


def test_points_have_the_colour_of_their_decay():
    second = drawn_of("chu_alignment_performance").axes[1]
    expected = {to_hex(style.l2_color(l2)) for l2 in (0.0, 0.1, 1.4)}
    assert {to_hex(line.get_color()) for line in lines(second)} == expected


def test_accuracies_below_chance_and_at_one_stay_in_the_panel():
    table = table_of("chu_alignment_performance").copy()
    accuracy = table["metric"] == "accuracy"
    table.loc[accuracy & (table["replicate"] > 1), "value"] = 1.0
    table.loc[accuracy & (table["l2"] > 1), "value"] = 0.0
    drawn = plotting.draw("chu_alignment_performance", table)
    check_page(drawn)
    low, high = drawn.axes[0].get_ylim()
    assert low < 0
    assert high >= 1


def test_one_size_of_network_leaves_the_series():
    table = fakes.performance(scales=(0.3,), widths=(64,), depths=(1,))
    drawn = plotting.draw("chu_alignment_performance", table)
    assert "several init_scale" in texts(drawn.axes[1], "missing")[0].replace("\n", " ")
    assert lines(drawn.axes[2])


def test_runs_with_interventions_or_a_cutoff_are_other_questions():
    table = table_of("chu_alignment_performance")
    part = table[table["freeze_step"].isna()]
    cut = part.assign(schedule="cutoff", cutoff_step=400, condition=part["condition"] + "-cut")
    tied = part.assign(tie_step=0, condition=part["condition"] + "-tied")
    more = pd.concat([table, cut, tied]).astype({"cutoff_step": "Int64", "tie_step": "Int64"})
    assert len(chu_performance.conditions(more)) == table["condition"].nunique()
    reason = chu_performance.lacking(more[more["tie_step"].notna()])
    assert "intervention" in reason
