"""`facets`: the lines are the means, nothing is averaged that differs, and every run is told of."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from feedback_alignment.figures import FigureError, Quantity, facets, style

LOSS = Quantity("loss", "loss", log=True, estimator="geometric")
COS = Quantity("weight_alignment", "cosine")
FIVE = [Quantity("accuracy", "accuracy"), LOSS]
FIVE += [
    Quantity(f"{kind}_alignment", kind, layer=layer, zero=True, unused="bp")
    for kind, layer in (("gradient", "hidden"), ("signal", "hidden"), ("weight", "output"))
]


def lines(axes, gid="data"):
    return [line for line in axes.get_lines() if line.get_gid() == gid]


def texts(axes, gid):
    return [text.get_text() for text in axes.texts if text.get_gid() == gid]


def against_width(table, **more):
    quantity = Quantity("weight_alignment", "cosine", log=True)
    return facets(table, quantity, x="width", col="activation", hue="l2", final=True, **more)


def names(shown):
    return [text.get_text() for text in shown.figure.legends[0].get_texts()]


@pytest.mark.parametrize("kind", ["full", "some_diverged"])
def test_points_are_means_of_the_last_values_of_runs_that_did_not_diverge(kind, table_of):
    table = table_of("song_alignment_width", kind)
    shown = against_width(table)
    kept = table[(table["metric"] == "weight_alignment") & (table["status"] == "ok")]
    last = kept[kept["step"] == kept["steps"]]
    means = last.groupby(["activation", "l2", "width"])["value"].mean()
    found = {
        (panel.cells["activation"].iloc[0], line.get_color(), width): value
        for panel in shown
        for line in lines(panel.axes)
        for width, value in zip(*line.get_data(), strict=True)
    }
    assert found == pytest.approx({(a, style.l2_color(x), p): v for (a, x, p), v in means.items()})
    # The plotted numbers are those of the lines.
    assert sorted(shown.numbers["mean"]) == pytest.approx(sorted(found.values()))


def test_courses_are_geometric_means_where_asked(table_of):
    table = table_of("song_loss")
    table = table[table["width"] == 800]
    shown = facets(table, [LOSS, COS], x="step", log_x=True, col="activation", hue="l2")
    assert [panel.quantity for panel in shown] == [LOSS] * 3 + [COS] * 3
    for panel in shown:
        rows = panel.cells[panel.cells["metric"] == panel.quantity.metric]
        rows = rows[rows["step"] > 0]
        for line, (_, part) in zip(lines(panel.axes), rows.groupby("l2"), strict=True):
            wide = part.pivot(index="step", columns="replicate", values="value")
            mean = (
                np.exp(np.log(wide).mean(axis=1)) if panel.quantity is LOSS else wide.mean(axis=1)
            )
            np.testing.assert_allclose(line.get_ydata(), mean)
            np.testing.assert_array_equal(line.get_xdata(), mean.index)
    text = shown.table()
    assert text.shape == (9, 3)  # replicates, loss, cosine
    assert text["loss"].str.contains("×/÷").all()


def test_estimator_and_error_bar_take_functions(table_of):
    table = table_of("song_alignment_width")
    y = Quantity(
        "weight_alignment", "c", estimator=np.median, errorbar=lambda v: (v.min(), v.max())
    )
    shown = facets(table, y, x="width", col="activation", hue="l2", final=True)
    last = table[(table["step"] == table["steps"]) & (table["metric"] == "weight_alignment")]
    groups = last.groupby(["activation", "l2", "width"])["value"]
    found = shown.numbers.set_index(["activation", "l2", "width"]).sort_index()
    for name, expected in (
        ("mean", groups.median()),
        ("low", groups.min()),
        ("high", groups.max()),
    ):
        np.testing.assert_allclose(found[name], expected.sort_index())


@pytest.mark.parametrize("apart", ["line", "col"])
def test_settings_without_a_place_are_drawn_apart_and_named(apart, table_of):
    table = table_of("song_alignment_width")
    other = table.assign(eta=0.5, condition=table["condition"] + "-x", value=table["value"] / 2)
    one, two = against_width(table), against_width(pd.concat([table, other]), apart=apart)
    before = [line.get_ydata() for panel in one for line in lines(panel.axes)]
    after = [line.get_ydata() for panel in two for line in lines(panel.axes)]
    assert len(after) == 2 * len(before)
    for values in before:  # as without the other: nothing is averaged
        assert any(np.array_equal(values, y) for y in after)
        assert any(np.array_equal(values / 2, y) for y in after)
    titles = " ".join(panel.axes._left_title.get_text() for panel in two)
    assert "η = 0.5" in (titles if apart == "col" else " ".join(names(two)))
    for panel in two:
        looks = {(c.get_color(), str(c._unscaled_dash_pattern)) for c in lines(panel.axes)}
        assert len(looks) == len(lines(panel.axes))
    box = two.figure.legends[0].get_window_extent(FigureCanvasAgg(two.figure).get_renderer())
    assert 0 <= box.x0 <= box.x1 <= two.figure.bbox.x1


def test_new_values_appear_by_themselves(fakes):
    cells = [fakes.song("relu", p, l2=x) | {"activation": a} for a in ("softplus", "erf")
             for p in (300, 500) for x in (0.0, 7.0)]  # fmt: skip
    shown = against_width(fakes.table("mine", cells, fakes.FIGURES["song_loss"][1]))
    assert [panel.axes._left_title.get_text() for panel in shown] == ["erf", "softplus"]
    assert names(shown) == ["λ = 0", "λ = 7"]


def test_diverged_runs_are_counted_and_marked(table_of):
    table = table_of("song_alignment_width", "some_diverged")
    for panel in against_width(table):
        runs = panel.cells.drop_duplicates(["condition", "replicate"])
        lost = runs[runs["status"] == "diverged"]
        assert texts(panel.axes, "note") == [f"✕ {len(lost)} of {len(runs)} replicates diverged"]
        counts = sorted(f"{n}/3" for n in lost.groupby("condition").size())
        assert sorted(texts(panel.axes, "count")) == counts
        heights = [line.get_ydata()[0] for line in lines(panel.axes, "diverged")]
        low, high = np.log(panel.axes.get_ylim())
        level = np.exp(low + max(heights) * (high - low))
        assert all(np.nanmin(line.get_ydata()) > level for line in lines(panel.axes))
    courses = facets(table, [LOSS, COS], x="step", col="activation", hue="l2", by=["width"])
    marks = [lines(panel.axes, "diverged") for panel in courses]
    assert all(marks[:3])
    assert not any(marks[3:])
    everything = against_width(table_of("song_alignment_width", "all_diverged"))
    assert all(texts(panel.axes, "all-diverged") for panel in everything)


@pytest.mark.parametrize(
    ("least", "others", "marked"), [(-0.3, 0, 0), (-1e-6, 20, 1), (0.002, 20, 0)]
)
def test_means_below_zero_are_told_on_a_logarithmic_axis(least, others, marked, fakes):
    widths = (100, *range(200, 200 + 10 * others, 10))
    cells = [fakes.song("relu", p) for p in widths]

    def recipe(cell, rng):
        return {
            ("weight_alignment", "output"): (cell["steps"], least if cell["width"] == 100 else 0.1)
        }

    (panel,) = against_width(fakes.table("e", cells, recipe, 1), marker="o")
    assert len(lines(panel.axes, "below-zero")) == marked
    assert (panel.axes.get_yscale() == "log") == (least > 0 or others > 0)


def test_five_quantities_are_wrapped_into_rows(table_of):
    table = table_of("rules_depth")
    shown = facets(table, FIVE, x="depth", hue="method", final=True)
    assert [panel.axes.get_ylabel() for panel in shown] == [quantity.label for quantity in FIVE]
    places = [panel.axes.get_subplotspec() for panel in shown]
    assert [(at.rowspan.start, at.colspan.start) for at in places] == [
        (0, 0), (0, 1), (1, 0), (1, 1), (2, 0)
    ]  # fmt: skip
    assert [panel.axes.get_yscale() for panel in shown].count("log") == 1
    null = "null: feedback that BP does not use"
    assert names(shown) == ["BP", "FA", "FA, λ = 0.01", "DFA", "DFA, λ = 0.01", null]
    for panel in shown:
        assert list(panel.axes.get_xticks()) == [1, 2, 3]
        (of_bp,) = [line for line in lines(panel.axes) if line.get_label() == "BP"]
        assert of_bp.is_dashed() == bool(panel.quantity.unused)
    two = table.assign(data="mnist", condition=table["condition"] + "-m")
    several = facets(pd.concat([table, two]), FIVE, x="depth", col="data", final=True)
    assert [p.axes._left_title.get_text() for p in several.panels[:2]] == ["digits", "MNIST"]
    assert several.panels[0].axes.get_ylim() == several.panels[1].axes.get_ylim()


def test_quantities_stand_beside_each_other_where_rows_are_settings(table_of):
    table = table_of("rules_depth")
    table = table.assign(decay=np.where(table["l2"] > 0, "some", "none"))
    shown = facets(table, FIVE[:3], x="depth", row="decay", hue="rule", by=["l2"], final=True)
    assert [panel.place for panel in shown] == [(0, 0), (1, 0)] * 3
    assert [panel.axes._left_title.get_text() for panel in shown] == ["none", "some", *[""] * 4]
    assert [panel.axes.get_ylabel() for panel in shown.panels[::2]] == [q.label for q in FIVE[:3]]
    for one, two in zip(shown.panels[::2], shown.panels[1::2], strict=True):
        assert one.axes.get_ylim() == two.axes.get_ylim()
        assert one.axes.get_position().y0 > two.axes.get_position().y0
        assert len(lines(two.axes)) == 2


def test_what_stands_in_for_a_quantity_is_in_the_panels_that_lack_it(table_of):
    table = table_of("rules_width")
    other = table[table["metric"] != "accuracy"].assign(data="teacher_student")
    both = pd.concat([table, other.assign(condition=other["condition"] + "-t")])
    first = Quantity("accuracy", "accuracy", otherwise=LOSS)
    shown = facets(both, [first, FIVE[2]], x="width", row="data", final=True)
    assert [panel.quantity.label for panel in shown] == ["accuracy", "loss", "gradient", "gradient"]
    assert [panel.axes.get_yscale() for panel in shown] == ["linear", "log", "linear", "linear"]
    titles = [panel.axes._left_title.get_text() for panel in shown]
    assert titles == ["digits", "teacher-student", "", ""]
    assert [len(lines(panel.axes)) for panel in shown] == [5] * 4
    last = table[(table["metric"] == "loss") & (table["step"] == table["steps"])]
    found = shown.panels[1].numbers.groupby("width")["mean"].mean()
    np.testing.assert_allclose(found, last.groupby("width")["value"].mean())


def test_lines_that_only_some_panels_have_are_named_in_these(table_of):
    table = table_of("song_alignment_width")
    table = table[(table["l2"] < 1) | (table["activation"] == "relu")]
    shown = against_width(table)
    shown.name_in_panels()
    assert names(shown) == ["λ = 0", "λ = 0.3"]
    inner = [panel.axes.get_legend() for panel in shown]
    assert [len(legend.get_texts()) if legend else 0 for legend in inner] == [0, 1, 0]
    empty = against_width(table[:0])
    empty.name_in_panels()


@pytest.mark.parametrize("metric", ["accuracy", "loss", "signal_alignment"])
def test_a_panel_without_its_quantity_says_so(metric, table_of):
    table = table_of("rules_width")
    shown = facets(table[table["metric"] != metric], FIVE, x="width", final=True)
    said = [texts(panel.axes, "missing") for panel in shown]
    (reason,) = [text for some in said for text in some]
    assert metric in reason.replace("\n", " ")


def test_an_unknown_rule_or_case_takes_part(fakes, table_of):
    table = table_of("rules_width")
    mine = table[table["rule"] == "dfa"].assign(rule="mine")
    assert names(facets(mine, FIVE, x="width", final=True)) == ["mine", "mine, λ = 0.01"]
    assert style.case_name("my_control") == "my control"
    assert style.case_color("my_control") == style.case_color("my_control")


def test_a_table_without_a_column_is_refused_in_one_line(table_of):
    table = table_of("song_alignment_width").drop(columns=["engine", "value"])
    with pytest.raises(FigureError, match=r"^the table has no column engine, value$"):
        against_width(table)


def test_tables_keep_apart_what_has_no_place_in_them(table_of):
    table = table_of("song_convergence")
    other = table.assign(eta=0.5, condition=table["condition"] + "-x", value=table["value"] / 2)
    error = Quantity("error_norm", "error")
    both = pd.concat([table, other], ignore_index=True)
    shown = facets(both, error, x="step", col="activation", row="width")
    one = shown.tabulate(table, [error], ["activation", "width", "rule", "l2"])
    two = shown.tabulate(both, [error], ["activation", "width", "rule", "l2"])
    assert len(two) == 2 * len(one)
    assert "η = 0.5" in set(two.index.get_level_values("other settings"))
    plain = two[two.index.get_level_values("other settings") != "η = 0.5"]
    assert plain["error"].tolist() == one["error"].tolist()
    assert (two["replicates"] == 3).all()
    apart = facets(both, error, x="step", col="activation", row="width", apart="row").table()
    assert "η = 0.5" in set(apart.index.get_level_values("variant"))


def test_layers_are_not_averaged(table_of):
    with pytest.raises(FigureError, match="alignment: name a layer, or tell layers apart by hue"):
        facets(table_of("chu_alignment"), Quantity("gradient_alignment", "alignment"), x="epoch")


def test_nothing_to_draw_is_a_sentence_and_no_error(table_of):
    table = table_of("song_alignment_width")
    shown = against_width(table[:0], empty="No run: set rule: fa.")
    assert list(shown) == []
    assert shown.table()["nothing to show"].tolist() == ["No run: set rule: fa."]
    shown.legend()
    shown.note("never seen")
    hint = Quantity("descent", "d", needs="set descent: true in the settings")
    (axes,) = facets(table, hint, x="step").figure.axes
    assert "set descent: true" in texts(axes, "missing")[0].replace("\n", " ")
