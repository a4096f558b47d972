"""Figures with modules of their own: what is drawn is what the table says."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta

from feedback_alignment.figures import (
    extreme_width,
    feedback_paths,
    minima,
    numbers,
    performance,
    spectra,
    stability,
    style,
)

MOMENT = 300


def lines(axes, gid="data"):
    return [line for line in axes.get_lines() if line.get_gid() == gid]


def texts(axes, gid):
    return [text.get_text() for text in axes.texts if text.get_gid() == gid]


def test_each_spectrum_is_that_of_its_case_before_and_at_the_intervention(table_of):
    table = table_of("chu_spectra")
    drawn = spectra.draw(table)
    cases = ["bp_random", "fa_own", "fa_fresh", "bp_tied"]
    for axes, case in zip(drawn.axes, cases, strict=True):
        rows = table[
            (table["case"] == case) & (table["tie_angle"] == 0) & (table["replicate"] == 0)
        ]
        real = rows[rows["metric"] == "K_real"]
        for gids, step in ((("before",), MOMENT - 1), (("data", "unstable"), MOMENT)):
            expected = np.sort(real.loc[real["step"] == step, "value"])
            shown = [line.get_xdata() for gid in gids for line in lines(axes, gid)]
            np.testing.assert_array_equal(np.sort(np.concatenate(shown)), expected)
        assert all((line.get_xdata() < 0).all() for line in lines(axes, "unstable"))
        assert axes.get_xscale() == axes.get_yscale() == "symlog"
    assert texts(drawn.axes[0], "ratio") == ["mean $r$ = \N{MINUS SIGN}0.5"]


def test_shares_and_their_intervals_count_who_stays(table_of):
    table = table_of("chu_stability", "some_diverged")
    axes = stability.draw(table).axes[1]
    rise = table[(table["metric"] == "loss_rise") & (table["case"] == "bp_tied")]
    shown = [bars for bars in axes.containers if bars.lines[0].get_gid() == "share"]
    bars = {bar.lines[0].get_xdata()[0]: bar for bar in shown}
    assert len(bars) == 3 + 2
    for angle, part in rise.groupby("tie_angle"):
        stay = int((part["value"] < 2).sum())  # NaN, as of the diverged one, is not below
        line, _, (segments,) = bars[angle].lines
        assert line.get_ydata()[0] == stay / 3
        ((_, low), (_, high)) = segments.get_segments()[0]
        assert low == pytest.approx(beta.ppf(0.025, stay, 4 - stay) if stay else 0.0)
        assert high == pytest.approx(beta.ppf(0.975, stay + 1, 3 - stay) if stay < 3 else 1.0)


def test_each_replicate_has_its_r_and_rise_and_those_that_agree_are_counted(table_of):
    table = table_of("chu_stability", "some_diverged")
    axes = stability.draw(table).axes[0]
    at = table[(table["metric"] == "stability_ratio") & (table["case"] != "bp_alone")]
    at = at[at["step"] == MOMENT].set_index(["condition", "replicate"])
    shown = [x for line in lines(axes) for x in line.get_xdata()]
    np.testing.assert_allclose(sorted(shown), sorted(at.loc[at["status"] == "ok", "value"]))
    rise = table[table["metric"] == "loss_rise"].set_index(["condition", "replicate"])["value"]
    agree = ((at["value"] >= 0) == (rise.reindex(at.index) < 2)).sum()
    assert axes._right_title.get_text() == f"its sign tells {agree} of {len(at)} runs"


def test_further_conditions_of_a_case_are_counted_not_mixed_in(table_of):
    table = table_of("chu_stability")
    part = table[table["case"] == "bp_random"]
    other = part.assign(samples=20, condition=part["condition"] + "-more", value=9.0)
    both = pd.concat([table, other])
    note = " ".join(stability.draw(both).get_supxlabel().split())
    assert "1 further condition differs" in note
    assert "Feedback at an angle: η = 0.01; the others: η = 0.05." in note
    pd.testing.assert_frame_equal(minima.summary(both), minima.summary(table))


def test_every_width_has_a_colour_and_a_place_of_its_own(table_of):
    table = table_of("chu_stability")
    wide = table[table["case"] == "bp_random_wide"]
    more = [wide.assign(width=p, condition=f"p{p}") for p in (128, 1024)]
    drawn = stability.draw(pd.concat([table, *more]))
    names = [key.get_label() for key in drawn.legends[0].legend_handles]
    sizes = [style.label("width", p) for p in (16, 64, 128, 1024)]
    assert {f"BP minimum, random feedback, {size}" for size in sizes} <= set(names)
    shares = [b.lines[0] for b in drawn.axes[1].containers if b.lines[0].get_gid() == "share"]
    random = [line for line in shares if line.get_xdata()[0] > 100]
    assert len({line.get_xdata()[0] for line in random}) == 4
    assert len({line.get_color() for line in random}) == 4


def test_accuracy_and_alignment_are_means_at_the_end(table_of):
    table = table_of("chu_alignment_performance", "some_diverged")
    found = performance.conditions(table).set_index("condition")
    final = table[(table["step"] == 840) & (table["status"] == "ok")]
    for metric, name in (("accuracy", "accuracy"), ("gradient_alignment", "alignment")):
        by = final[final["metric"] == metric].groupby("condition")["value"]
        own = found[found["rule"] != "bp"] if name == "alignment" else found
        np.testing.assert_allclose(own[name], by.mean()[own.index])
        np.testing.assert_allclose(own[f"{name}_sd"], by.std()[own.index])
    assert (found.loc[found["rule"] == "bp", "alignment"] == 1).all()
    assert (found["lost"] == 1).all()


def test_the_series_is_of_the_cases_trained_and_frozen_and_the_grid_of_all(table_of):
    table = table_of("chu_alignment_performance")
    found = performance.conditions(table)
    drawn = performance.draw(table)
    first, second, third = drawn.axes
    assert "(b) and (c): σ = 0.1, width 64, depth 1." in " ".join(drawn.get_supxlabel().split())
    learnt = found[found["searched"]]
    assert first._left_title.get_text() == "(a) 4 networks"
    assert len(lines(first)) == len(learnt) == 4
    for bar, case in zip(first.containers, ("random_features", "fresh_feedback"), strict=True):
        expected = found.loc[found["case"] == case, ["alignment", "accuracy"]]
        np.testing.assert_allclose(bar.lines[0].get_xydata(), expected)
    keys = {key.get_label(): key.get_color() for key in drawn.legends[0].legend_handles}
    names = ["hidden layers frozen", "fresh feedback every step"]
    assert [*keys][-2:] == names
    assert bar.lines[0].get_color() == keys[names[1]] == style.case_color("fresh_feedback")
    for axes, name in ((second, "accuracy"), (third, "alignment")):
        for line in lines(axes):
            rule = "bp" if line.get_color() == style.rule_color("bp") else "fa"
            curve = found[(found["case"] == "trained") & (found["rule"] == rule)].sort_values("l2")
            np.testing.assert_array_equal(line.get_xdata(), curve["l2"])
            np.testing.assert_allclose(line.get_ydata(), curve[name])
        (level,) = lines(axes, "frozen")
        own = found.loc[found["case"] == "frozen_hidden", name].item()
        assert level.get_ydata()[0] == pytest.approx(own)


@pytest.mark.parametrize("grid_first", [False, True])
def test_a_condition_of_two_experiments_has_both_cases_whichever_comes_first(
    grid_first, table_of, tmp_path
):
    table = table_of("chu_alignment_performance")
    grid = table["case"].str.startswith("search")
    fa = table[(table["case"] == "trained") & (table["rule"] == "fa") & (table["replicate"] == 0)]
    series, both = tmp_path / "series.parquet", tmp_path / "grid.parquet"
    table[~grid].to_parquet(series)
    pd.concat([table[grid], fa.assign(case="search")]).to_parquet(both)
    files = [both, series] if grid_first else [series, both]
    read = numbers.read(files, performance.METRICS, each_case=True)
    found = performance.conditions(read).set_index("condition")
    # It belongs to both, and each of its runs counts once.
    expected = performance.conditions(table).set_index("condition").reindex(found.index)
    expected.loc[fa["condition"].unique(), "searched"] = True
    pd.testing.assert_frame_equal(found, expected)
    first, *others = performance.draw(read).axes
    assert first._left_title.get_text() == "(a) 6 networks"
    assert [len(line.get_xdata()) for axes in others for line in lines(axes)] == [2] * 4


def test_lines_within_a_decay_are_those_of_its_conditions(table_of):
    table = table_of("chu_alignment_performance")
    grid = table[table["case"] == "search"]
    more = grid.assign(l2=0.3, condition=grid["condition"] + "-more", value=0.9 * grid["value"])
    both = pd.concat([table, more])
    found = performance.conditions(both)
    drawn = lines(performance.draw(both).axes[0], "within")
    assert len(drawn) == 2
    for line, (_, part) in zip(drawn, found[found["searched"]].groupby("l2"), strict=True):
        slope, level = np.polyfit(part["alignment"], -np.log10(1.03 - part["accuracy"]), 1)
        ends = part["alignment"].agg(["min", "max"])
        np.testing.assert_allclose(line.get_xdata(), ends)
        np.testing.assert_allclose(-np.log10(1.03 - line.get_ydata()), level + slope * ends)
    counts = [name for name, _ in performance.summary(both).index if "conditions" in name]
    assert counts == [
        *("correlation, 8 conditions", "correlation of ranks, 8 conditions"),
        *("correlation, 4 conditions", "correlation of ranks, 4 conditions") * 2,
        *("correlation, DFA, 4 conditions", "correlation of ranks, DFA, 4 conditions") * 2,
    ]


def test_extreme_width_shows_size_time_and_what_was_not_reached(table_of):
    table = table_of("song_extreme_width")
    still, times, _ = extreme_width.draw(table).axes
    cosines = table[(table["metric"] == "weight_alignment") & (table["l2"] == 0)]
    final = cosines[cosines["step"] == cosines["step"].max()]
    (line,) = lines(still)
    expected = final.groupby("width")["value"].agg(lambda v: np.sqrt(np.mean(v**2)))
    np.testing.assert_allclose(line.get_ydata(), expected, rtol=1e-12)
    steps = table[(table["metric"] == "align_step") & (table["l2"] > 0)]
    reached = steps.groupby("width")["value"].agg(lambda v: v.notna().all())
    (line,) = lines(times)
    drawn = np.asarray(line.get_ydata())
    mean = steps.groupby("width")["value"].mean()[reached] * 1e-4
    np.testing.assert_allclose(drawn[np.isfinite(drawn)], mean, rtol=1e-12)
    missed = {x for u in lines(times, "unreached") for x in u.get_xdata()}
    assert missed == set(reached.index[~reached])


def test_panels_of_extreme_width_keep_their_letters(table_of):
    table = table_of("song_extreme_width")
    for rows, empty in ((table["l2"] > 0, [1, 0, 0]), (table["l2"] == 0, [0, 1, 1])):
        drawn = extreme_width.draw(table[rows])
        titles = [axes._left_title.get_text() for axes in drawn.axes]
        assert titles == ["(a) no decay", "(b) time to align", "(c) collapse"]
        assert [len(texts(axes, "missing")) for axes in drawn.axes] == empty


def test_the_law_stands_beside_what_was_measured(table_of):
    table = table_of("song_extreme_width")
    _, times, collapse = extreme_width.draw(table).axes
    law = table[(table["metric"] == "law_align_step") & (table["l2"] > 0)]
    expected = law.groupby("width")["value"].mean() * 1e-4
    (line,) = lines(times, "theory")
    np.testing.assert_allclose(line.get_ydata(), expected.dropna(), rtol=1e-12)
    assert len(lines(collapse, "theory")) == len(lines(collapse))
    numbers = extreme_width.summary(table).loc[1.0]
    np.testing.assert_allclose(numbers["by the law"], expected, rtol=1e-12)
    steps = table[table["metric"].isin(["align_step", "law_align_step"]) & (table["l2"] > 0)]
    steps = steps.pivot(index=["width", "replicate"], columns="metric", values="value")
    ratio = (steps["align_step"] / steps["law_align_step"]).groupby("width").mean()
    np.testing.assert_allclose(numbers["measured / law"], ratio, rtol=1e-12)


def test_without_a_law_in_the_table_none_is_drawn(table_of):
    table = table_of("song_extreme_width")
    table = table[~table["metric"].str.startswith("law")]
    for axes in extreme_width.draw(table).axes[1:]:
        assert lines(axes)
        assert not lines(axes, "theory")
    assert extreme_width.summary(table)["by the law"].isna().all()


def test_the_drawing_needs_no_table_and_shows_both_paths():
    drawn = feedback_paths.draw()
    assert drawn.get_figwidth() == style.TEXT
    assert min(text.get_fontsize() for axes in drawn.axes for text in axes.texts) >= 7
    shown = " ".join(text.get_text() for axes in drawn.axes for text in axes.texts)
    for part in ("\\beta_r", "b_r", "Backpropagation", "Feedback alignment"):
        assert part in shown
