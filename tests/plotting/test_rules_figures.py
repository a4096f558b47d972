"""The figures of all rules and of MNIST: what is drawn, that it can be read, and odd tables."""

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from feedback_alignment import plotting
from feedback_alignment.plotting import five_panels, style

FIGURES = ["rules_width", "rules_depth", "song_mnist"]
WEIGHT_LAYER = {"rules_width": "output", "rules_depth": "output", "song_mnist": "output"}
ALIGNMENTS = ("gradient_alignment", "signal_alignment", "weight_alignment")


@cache
def fakes():
    path = Path(__file__).with_name("fake_rules.py")
    spec = importlib.util.spec_from_file_location("fake_rules", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def some(cell, replicate):
    """One run of decayed FA, all replicates of decayed DFA, and half of them in deep networks."""
    decayed = cell["l2"] > 0
    lost = decayed and (cell["rule"] == "dfa" or replicate == 0)
    return lost or (cell["depth"] == 4 and replicate < 2)


KINDS = {
    "full": {},
    "one_replicate": {"replicates": 1},
    "two_data_sets": {"replicates": 2, "data": ("digits", "mnist")},
    "some_diverged": {"replicates": 4, "status": some},
    "all_diverged": {"replicates": 2, "status": lambda cell, replicate: True},
    "one_column_diverged": {
        "replicates": 2,
        "data": ("digits", "mnist"),
        "status": lambda cell, replicate: cell["data"] == "mnist",
    },
}


@cache
def table_of(figure, kind="full"):
    options = {"replicates": 3} | KINDS[kind]
    if figure == "rules_width":
        return fakes().widths(widths=(16, 64, 256), **options)
    if figure == "rules_depth":
        return fakes().depths(**options)
    return fakes().song(**options)


def lines(axes, gid="data"):
    return [line for line in axes.get_lines() if line.get_gid() == gid]


def texts(axes, gid):
    return [text for text in axes.texts if text.get_gid() == gid]


def panels_of(figure):
    return [axes for axes in figure.axes if axes.axison]


def render(drawn):
    canvas = FigureCanvasAgg(drawn)
    with style.context():
        canvas.draw()
    return canvas.get_renderer()


def mean(table, metric, layer, geometric=False, **cell):
    """Mean over replicates of the last values, computed without the code under test."""
    final = {}
    for row in table.itertuples():
        here = (row.metric, row.layer) == (metric, layer) and row.status != "diverged"
        here = here and all(getattr(row, key) == value for key, value in cell.items())
        if here and row.step >= final.get(row.replicate, (0,))[0]:
            final[row.replicate] = row.step, row.value
    values = [np.log(value) if geometric else value for _, value in final.values()]
    return np.exp(np.mean(values)) if geometric else np.mean(values)


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_readable_whatever_the_data(figure, kind):
    table = table_of(figure, kind)
    drawn = plotting.draw(figure, table)
    renderer = render(drawn)
    page = drawn.bbox
    (legend,) = drawn.legends
    legend = legend.get_window_extent(renderer)
    assert page.x0 <= legend.x0 <= legend.x1 <= page.x1
    assert page.y0 <= legend.y0 <= legend.y1 <= page.y1
    found = panels_of(drawn)
    assert len(found) == 5 * table["data"].nunique()
    for axes in found:
        frame = axes.get_window_extent(renderer)
        assert min(frame.width, frame.height) > 60
        assert not axes.get_tightbbox(renderer).overlaps(legend)
        shown = [line for line in lines(axes) if np.isfinite(line.get_ydata()).any()]
        assert shown or texts(axes, "all-diverged"), "an empty panel"
        labels = [axes._left_title, axes.xaxis.label, axes.yaxis.label, *axes.texts]
        for text in labels:
            if text.get_text():
                box = text.get_window_extent(renderer)
                assert page.x0 - 1 <= box.x0 <= box.x1 <= page.x1 + 1, text.get_text()
                assert page.y0 - 1 <= box.y0 <= box.y1 <= page.y1 + 1, text.get_text()
    summary = plotting.readable(plotting.summary(figure, table))
    assert len(summary)
    assert not summary.isin(["nan", "<NA>"]).any(axis=None)


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("kind", ["full", "some_diverged"])
def test_lines_end_at_the_means_of_the_final_values(figure, kind):
    table = table_of(figure, kind)
    weight = ("weight_alignment", WEIGHT_LAYER[figure])
    order = [("gradient_alignment", "hidden"), ("signal_alignment", "hidden"), weight]
    order = [("accuracy", ""), ("loss", ""), *(order[::-1] if figure == "song_mnist" else order)]
    drawn = plotting.draw(figure, table)
    last = {} if figure == "song_mnist" else {"width": table["width"].max(), "depth": 2}
    last |= {"depth": 4} if figure == "rules_depth" else {}
    alive = table[table["status"] != "diverged"]
    for at, value in last.items():
        alive = alive[alive[at] == value]
    methods = alive[["rule", "l2"]].drop_duplicates().itertuples(index=False, name=None)
    methods = list(methods)
    for axes, (metric, layer) in zip(panels_of(drawn), order, strict=True):
        values = [
            mean(alive, metric, layer, metric == "loss", rule=rule, l2=l2) for rule, l2 in methods
        ]
        ends = [line.get_ydata()[-1] for line in lines(axes)]
        assert sorted(ends) == pytest.approx(sorted(values), rel=1e-12)


def test_widths_are_logarithmic_and_depths_are_whole_numbers():
    for axes in panels_of(plotting.draw("rules_width", table_of("rules_width"))):
        assert axes.get_xscale() == "log"
        assert list(lines(axes)[0].get_xdata()) == [16, 64, 256]
    for axes in panels_of(plotting.draw("rules_depth", table_of("rules_depth"))):
        assert list(axes.get_xticks()) == [1, 2, 3, 4]
    for figure in FIGURES:
        scales = [axes.get_yscale() for axes in panels_of(plotting.draw(figure, table_of(figure)))]
        assert scales == ["linear", "log", "linear", "linear", "linear"]


def test_the_loss_axis_has_ticks_however_narrow_its_range():
    table = table_of("rules_width").copy()
    near = (table["metric"] == "loss") & (table["value"] > 0)
    for low, high in ((0.11, 0.19), (0.21, 0.24), (0.01, 0.05), (1e-6, 10)):
        values = low + (high - low) * np.linspace(0, 1, near.sum())
        table.loc[near, "value"] = values
        axes = panels_of(plotting.draw("rules_width", table))[1]
        bottom, top = axes.get_ylim()
        assert sum(bottom <= tick <= top for tick in axes.get_yticks()) >= 2


def test_a_rule_has_one_colour_and_its_decay_is_dashed():
    drawn = plotting.draw("rules_depth", table_of("rules_depth"))
    keys = {key.get_label(): key for key in drawn.legends[0].legend_handles}
    names = ["BP", "FA", "FA, λ = 0.01", "DFA", "DFA, λ = 0.01", "uSF", "KP, λ = 0.01", "DRTP"]
    assert list(keys) == names
    for name, key in keys.items():
        assert (key.get_linestyle() == "-") == ("λ" not in name)
    assert keys["DFA, λ = 0.01"].get_color() == keys["DFA"].get_color() == style.rule_color("dfa")
    assert keys["FA, λ = 0.01"].get_color() == style.l2_color(0.01)
    assert keys["FA"].get_color() == style.rule_color("fa")
    looks = {(key.get_color(), key.get_linestyle()) for key in keys.values()}
    assert len(looks) == len(names)


@pytest.mark.parametrize("figure", FIGURES)
def test_alignments_with_feedback_that_is_not_used_are_pale_and_said_to_be(figure):
    table = table_of(figure)
    drawn = plotting.draw(figure, table)
    for index, axes in enumerate(panels_of(drawn)):
        of_bp = [line for line in lines(axes) if line.get_color() == style.rule_color("bp")]
        others = [line for line in lines(axes) if line not in of_bp]
        (line,) = of_bp
        assert (line.get_alpha() or 1) == (0.4 if index >= 2 else 1)
        assert all(line.get_alpha() is None for line in others)
    assert "BP" in drawn.get_supxlabel()
    assert plotting.draw(figure, table[table["rule"] != "bp"]).get_supxlabel() == ""


@pytest.mark.parametrize("figure", ["rules_width", "rules_depth"])
def test_diverged_runs_are_counted_at_the_lower_edge(figure):
    table = table_of(figure, "some_diverged")
    upper, *others = panels_of(plotting.draw(figure, table))
    runs = table.drop_duplicates(["condition", "replicate"])
    lost = runs[runs["status"] == "diverged"]
    counts = sorted(text.get_text() for text in texts(upper, "count"))
    expected = sorted(f"{n}/4" for n in lost.groupby("condition").size())
    assert counts == expected
    assert len(lines(upper, "diverged")) == len(expected)
    assert not any(lines(axes, "diverged") for axes in others)
    (note,) = texts(upper, "note")
    assert note.get_text() == f"✕ {len(lost)} of {len(runs)} replicates diverged"
    # No curve runs through the crosses.
    height = max(line.get_ydata()[0] for line in lines(upper, "diverged"))
    low, high = upper.get_ylim()
    assert all(np.nanmin(line.get_ydata()) > low + height * (high - low) for line in lines(upper))
    summary = plotting.summary(figure, table)
    quantities = summary.index.get_level_values("quantity")
    assert set(summary[quantities == "diverged"].to_numpy().ravel()) <= {
        "", "1 of 4", "2 of 4", "4 of 4",
    }  # fmt: skip


def test_a_run_that_diverged_is_marked_at_its_epoch():
    table = table_of("song_mnist", "some_diverged")
    upper = panels_of(plotting.draw("song_mnist", table))[0]
    marks = lines(upper, "diverged")
    assert [mark.get_xdata()[0] for mark in marks] == [10.0, 10.0]  # step 280 of 28 an epoch
    assert upper.get_xlim() == (0, 30)
    assert list(plotting.summary("song_mnist", table)["diverged"]) == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("data", "title"),
    [
        ("digits", "digits, 1\u2009000 hidden units"),
        ("mnist", "MNIST, 1\u2009000 hidden units"),
        ("my_images", "my_images, 1\u2009000 hidden units"),
    ],
)
def test_the_title_says_which_data(data, title):
    drawn = plotting.draw("song_mnist", fakes().song(replicates=1, data=(data,)))
    assert drawn.get_suptitle() == title
    both = plotting.draw("song_mnist", fakes().song(replicates=1, data=("fashion", data)))
    titles = [axes._left_title.get_text() for axes in panels_of(both)]
    assert {title, "fashion, 1\u2009000 hidden units"} == set(titles) - {""}


def test_titles_name_the_other_size():
    drawn = plotting.draw("rules_width", fakes().widths(1, (16, 32), depths=(1, 3)))
    titles = [axes._left_title.get_text() for axes in panels_of(drawn)]
    assert [title for title in titles if title] == [
        "digits, 1 hidden layer",
        "digits, 3 hidden layers",
    ]
    drawn = plotting.draw("rules_depth", table_of("rules_depth"))
    assert drawn.get_suptitle() == "digits, width 128"
    deep = plotting.draw("song_mnist", fakes().song(replicates=1, depth=2))
    assert deep.get_suptitle() == "digits, 2 hidden layers of 1\u2009000 units"


def test_columns_share_the_axes_of_a_quantity():
    table = table_of("rules_width", "two_data_sets")
    better = (table["metric"] == "accuracy") & (table["data"] == "mnist")
    table = table.assign(value=table["value"].mask(better, table["value"] / 2))
    drawn = panels_of(plotting.draw("rules_width", table))
    upper = [axes for axes in drawn if axes._left_title.get_text()]
    assert len(upper) == 2
    assert upper[0].get_ylim() == upper[1].get_ylim()


def test_several_step_sizes_are_drawn_apart():
    one, two = (fakes().song(replicates=2, etas=etas) for etas in ((1.0,), (1.0, 3.0)))
    before, after = (panels_of(plotting.draw("song_mnist", table)) for table in (one, two))
    for few, many in zip(before, after, strict=True):
        assert len(lines(many)) == 2 * len(lines(few))
        looks = {(c.get_color(), str(c._unscaled_dash_pattern)) for c in lines(many)}
        assert len(looks) == len(lines(many))
        for line in lines(few):  # as without the other: nothing is averaged
            assert any(np.array_equal(c.get_ydata(), line.get_ydata()) for c in lines(many))
    drawn = plotting.draw("song_mnist", two)
    names = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert names[:4] == ["BP, η = 1", "BP, η = 3", "FA, η = 1", "FA, η = 3"]
    assert panels_of(drawn)[0]._left_title.get_text() == "digits, 1\u2009000 hidden units"


@pytest.mark.parametrize("figure", FIGURES)
def test_any_other_setting_is_drawn_apart_and_fits_the_page(figure):
    table = table_of(figure, "one_replicate")
    other = table.assign(activation="erf", condition=table["condition"] + "-other")
    drawn = plotting.draw(figure, pd.concat([table, other]))
    axes = panels_of(drawn)[0]
    runs = table.groupby(["rule", "l2"]).ngroups
    assert len(lines(axes)) == 2 * runs
    looks = {(c.get_color(), str(c._unscaled_dash_pattern), c.get_marker()) for c in lines(axes)}
    assert len(looks) == 2 * runs
    box = drawn.legends[0].get_window_extent(render(drawn))
    assert 0 <= box.x0 <= box.x1 <= drawn.bbox.x1
    assert "activation = erf" in drawn.legends[0].get_texts()[0].get_text()


def test_decays_of_backpropagation_at_two_step_sizes_can_be_told_apart():
    methods = [("bp", l2) for l2 in (0.0, 1e-3, 1e-2)]
    cells = [
        fakes().cell(fakes().SONG, rule, l2, eta=eta) for rule, l2 in methods for eta in (1.0, 3.0)
    ]
    drawn = plotting.draw("song_mnist", fakes().table("song_mnist", cells, replicates=1))
    looks = {str(key._unscaled_dash_pattern) for key in drawn.legends[0].legend_handles}
    assert len(looks) == 6


def test_a_full_batch_has_an_epoch_a_step():
    table = fakes().song(replicates=1, batch_size=0, steps=60)
    assert panels_of(plotting.draw("song_mnist", table))[0].get_xlim() == (0, 60)


def test_an_unknown_rule_takes_part():
    table = fakes().widths(1, (16, 32), methods=(("fa", 0.0), ("mine", 0.0), ("mine", 0.1)))
    drawn = plotting.draw("rules_width", table)
    names = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert names == ["FA", "mine", "mine, λ = 0.1"]


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("metric", five_panels.METRICS)
def test_a_panel_without_its_quantity_says_so(figure, metric):
    table = table_of(figure, "some_diverged")
    drawn = plotting.draw(figure, table[table["metric"] != metric])
    render(drawn)
    said = [axes for axes in drawn.axes if texts(axes, "missing")]
    assert len(said) == 1
    assert metric in texts(said[0], "missing")[0].get_text()
    left = [axes for axes in panels_of(drawn) if axes not in said]
    assert len(left) == 4
    assert all(lines(axes) for axes in left)
    marked = [axes for axes in left if lines(axes, "diverged")]
    assert marked == left[:1]
    assert len(plotting.summary(figure, table[table["metric"] != metric]))


def test_a_quantity_of_another_layer_is_not_taken_for_it():
    table = table_of("rules_width")
    table = table[~((table["metric"] == "weight_alignment") & (table["layer"] == "output"))]
    axes = plotting.draw("rules_width", table).axes[-1]
    (reason,) = texts(axes, "missing")
    assert "layer output" in " ".join(reason.get_text().split())


LACKS = {
    "no rows": (lambda t: t["metric"] == "", "accuracy"),
    "other metrics": (lambda t: t["metric"] == "error_norm", "accuracy"),
    "two-layer networks": (lambda t: t["replicate"] >= 0, "parametrisation: standard"),
    "step 0 only": (lambda t: t["step"] == 0, "steps above 0"),
}


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("case", LACKS)
def test_a_table_with_nothing_to_draw_gives_a_sentence(figure, case):
    kept, word = LACKS[case]
    table = table_of(figure)
    table = table[kept(table)]
    if case == "two-layer networks":
        table = table.assign(parametrisation="song")
    drawn = plotting.draw(figure, table)
    render(drawn)
    (axes,) = drawn.axes
    (reason,) = texts(axes, "missing")
    assert word in " ".join(reason.get_text().split())
    assert "nothing to show" in plotting.summary(figure, table)


@pytest.mark.parametrize("figure", FIGURES)
def test_the_summary_has_the_means(figure):
    table = table_of(figure)
    summary = plotting.summary(figure, table)
    if figure == "song_mnist":
        assert list(summary.index) == ["BP", "FA", "FA, λ = 0.001", "FA, λ = 0.01"]
        value = mean(table, "signal_alignment", "hidden", rule="fa", l2=0.01)
        assert summary.loc["FA, λ = 0.01", "signal alignment"].startswith(f"{value:.3f} ±")
        assert list(summary["replicates"]) == [3] * 4
        return
    axis = figure.removeprefix("rules_")
    size = table[axis].max()
    value = mean(table, "loss", "", geometric=True, rule="dfa", l2=0.01, **{axis: size})
    assert summary.loc[("DFA, λ = 0.01", "loss"), size].startswith(f"{value:.3g} ×/÷")
    assert list(summary.index.get_level_values("rule").unique())[:3] == ["BP", "FA", "FA, λ = 0.01"]
    assert list(summary.columns) == sorted(table[axis].unique())


@pytest.mark.parametrize("figure", FIGURES)
def test_it_has_a_caption_and_an_alternative_text(figure):
    root = Path(__file__).parents[2]
    assert (root / f"workflow/report/{figure}.rst").read_text().strip()
    assert len(plotting.describe(figure)) > 40
