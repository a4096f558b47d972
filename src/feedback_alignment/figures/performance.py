"""Alignment and accuracy are two things (Chu 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedback_alignment.figures import marks, numbers, style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METRICS = ("accuracy", "gradient_alignment")

_SIZE = ["init_scale", "width", "depth"]
#: What each condition is for: the series over decays with its controls, and the grid.
CASES = ("trained", "frozen_hidden", "random_features", "search")
_MARGIN = 0.03  # how far beyond 1 the stretched axis of accuracies has its end
_MARKERS = {"fa": "o", "bp": "s", "dfa": "^", "usf": "D", "kp": "P", "drtp": "X"}


def lacking(table: pd.DataFrame) -> str:
    """Why there is nothing to draw; empty if there is something."""
    missing = numbers.lacking_metrics(table, *METRICS)
    if missing or table["case"].isin(CASES).any():
        return missing
    return f"No run in the table has a case of this figure: give one of {', '.join(CASES)}."


def conditions(table: pd.DataFrame) -> pd.DataFrame:
    """One row a condition: its settings, and mean and sd over replicates at the end of training.

    Returns:
        Settings and case; `accuracy`, `accuracy_sd`, `alignment`, `alignment_sd` (hidden layers; 1
        for BP, which is what it means; NaN where there is none), `replicates` and `lost`
        (diverged); `frozen`: whether its hidden layers never learn; `swept`: whether it belongs to
        the series over decays.
    """
    rows = table[table["case"].isin(CASES)]
    out = rows.drop_duplicates("condition").set_index("condition")
    frozen = out["case"].isin(["frozen_hidden", "random_features"])
    out = out[[*numbers.SETTINGS, "experiment", "case"]].assign(
        frozen=frozen, swept=out["case"].isin(["trained", "frozen_hidden"])
    )
    ended = numbers.replicates(rows)
    out["replicates"] = ended.groupby("condition").size()
    out["lost"] = (ended["status"] == "diverged").groupby(ended["condition"]).sum()
    for metric, layer, name in (
        ("accuracy", "", "accuracy"),
        ("gradient_alignment", "hidden", "alignment"),
    ):
        last = numbers.last(numbers.metric(rows, metric, layer))
        stats = numbers.estimate(last, ["condition"]).set_index("condition")
        out[name], out[f"{name}_sd"] = stats["mean"], stats["sd"].fillna(0.0)
    bp = (out["rule"] == "bp") & ~out["frozen"]
    out.loc[bp & out["accuracy"].notna(), ["alignment", "alignment_sd"]] = 1.0, 0.0
    return out.reset_index()


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracy and alignment, `mean ± sd`, of the series over decays and the controls.

    Below them, the correlation over all conditions with feedback.
    """
    import pandas as pd

    if reason := lacking(table):
        return numbers.nothing(reason)
    cells = conditions(table)
    rows = []
    for _, cell in _series(cells).iterrows():
        rows.append(
            {
                "run": _name(cell, cells),
                "λ": f"{cell['l2']:g}",
                "accuracy": _shown(cell, "accuracy"),
                "cos(g_BP, g_FA), hidden": _shown(cell, "alignment"),
                "replicates": str(cell["replicates"] - cell["lost"]),
            }
        )
    grid = _grid(cells)
    together = _correlation(grid)
    blank = {"λ": "", "cos(g_BP, g_FA), hidden": "", "replicates": ""}
    for name, value in zip(("correlation", "correlation of ranks"), together or (), strict=False):
        run = f"{name}, {len(grid)} conditions"
        rows.append({"run": run, "accuracy": _signed(value), **blank})
    return pd.DataFrame(rows).set_index(["run", "λ"])


def draw(table: pd.DataFrame) -> Figure:
    """Accuracy against alignment: series over decays, then all conditions; each against decay."""
    numbers.check_columns(table.columns)
    if reason := lacking(table):
        return marks.explanation(reason)
    with style.context():
        return _draw(conditions(table))


def _draw(cells: pd.DataFrame) -> Figure:
    series = _series(cells)
    figure, ((first, second), (third, fourth)) = marks.grid(2, 2, 2.5)
    figure.set_figwidth(style.WIDTH)
    _scatter(first, series, cells)
    _all(second, cells)
    for axes, name, letter in ((third, "accuracy", "c"), (fourth, "alignment", "d")):
        _against_decay(axes, series[series["swept"]], name, letter, cells)
    low = min(0.0, (cells["alignment"] - cells["alignment_sd"]).min())
    for axes in (first, second):
        axes.set_xlim(low - 0.06, 1.06)
        _limit_accuracy(axes, cells)
    _limit_accuracy(third, cells)
    fourth.set_ylim(low - 0.06, 1.06)
    marks.legend(figure, _keys(cells), most=6)
    marks.footnote(figure, _remark(cells))
    return figure


def _series(cells: pd.DataFrame) -> pd.DataFrame:
    """The swept conditions and every control with frozen hidden layers, in a fixed order."""
    rows = cells[cells["swept"] | cells["frozen"]]
    return rows.sort_values(["frozen", "rule", "width", "l2"], kind="stable")


def _grid(cells: pd.DataFrame) -> pd.DataFrame:
    """Conditions that learn by feedback and have both numbers."""
    rows = cells[~cells["frozen"] & (cells["rule"] != "bp")]
    return rows.dropna(subset=["accuracy", "alignment"])


def _correlation(grid: pd.DataFrame) -> tuple[float, float] | None:
    """Pearson's and Spearman's correlation of accuracy and alignment; None for too few."""
    if len(grid) < 3 or min(grid["accuracy"].std(), grid["alignment"].std()) == 0:
        return None
    accuracy, alignment = grid["accuracy"], grid["alignment"]
    ranks = accuracy.rank().corr(alignment.rank())
    return float(accuracy.corr(alignment)), float(ranks)


def _shown(cell: pd.Series, name: str) -> str:
    if cell[name] != cell[name]:
        return "diverged" if cell["lost"] == cell["replicates"] else ""
    spread = f" ± {cell[f'{name}_sd']:.3f}" if cell["replicates"] - cell["lost"] > 1 else ""
    return f"{cell[name]:.3f}{spread}"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def _lost(axes: Axes, cells: pd.DataFrame) -> bool:
    """If all replicates of the conditions diverged, say so in the panel."""
    replicates, lost = cells["replicates"].sum(), cells["lost"].sum()
    if replicates == 0 or lost < replicates:
        return False
    axes.text(
        0.5, 0.5, f"all {replicates} replicates diverged", transform=axes.transAxes, ha="center",
        va="center", color=style.ALERT, gid="all-diverged",
    )  # fmt: skip
    return True


def _name(cell: pd.Series, cells: pd.DataFrame) -> str:
    """A condition in words, short of its decay."""
    if not cell["frozen"]:
        return style.method_name(cell["rule"], 0)
    if cell["swept"]:
        return "hidden layers frozen"
    usual = cells[cells["swept"]].iloc[0] if cells["swept"].any() else cell
    words = {"width": "width {:d}", "depth": "depth {:d}", "init_scale": "σ = {:g}"}
    other = [text.format(cell[key]) for key, text in words.items() if cell[key] != usual[key]]
    return ", ".join(["random features", *other])


def _title_of_series(cells: pd.DataFrame) -> str:
    if not cells["swept"].any():
        return ""
    usual = cells[cells["swept"]].iloc[0]
    return f"σ = {usual['init_scale']:g}, width {usual['width']}, depth {usual['depth']}"


def _color(cell: pd.Series) -> str:
    if cell["frozen"]:
        return style.GUIDE if cell["l2"] == 0 else style.l2_color(cell["l2"])
    if cell["l2"] > 0:
        return style.l2_color(cell["l2"])
    return style.rule_color(cell["rule"])


def _marker(cell: pd.Series) -> str:
    return "*" if cell["frozen"] else _MARKERS.get(cell["rule"], "h")


def _scatter(axes: Axes, series: pd.DataFrame, cells: pd.DataFrame) -> None:
    marks.title(axes, "(a) decays", _title_of_series(cells), note=_note(series, cells))
    _lost(axes, series)
    for _, cell in series.dropna(subset=["accuracy", "alignment"]).iterrows():
        axes.errorbar(
            [cell["alignment"]], [cell["accuracy"]], xerr=[cell["alignment_sd"]],
            yerr=[cell["accuracy_sd"]], markersize=8 if cell["frozen"] else 5, elinewidth=0.9,
            markeredgecolor="white", markeredgewidth=0.4, zorder=3, gid="data",
            marker=_marker(cell), color=_color(cell), linestyle="none",
        )  # fmt: skip
    _label_controls(axes, series, cells)
    axes.set_xlabel("gradient alignment, hidden layers")
    axes.set_ylabel("accuracy, held-out")


def _label_controls(axes: Axes, series: pd.DataFrame, cells: pd.DataFrame) -> None:
    """Controls by name, the best one above its point and the others below; colours tell decays."""
    controls = series[series["frozen"]].dropna(subset=["accuracy", "alignment"])
    controls = controls.sort_values("accuracy", ascending=False)
    names = [_name(cell, cells) for _, cell in controls.iterrows()]
    controls = controls.assign(name=names).drop_duplicates("name")
    for position, (_, cell) in enumerate(controls.iterrows()):
        up = position == 0
        axes.annotate(
            cell["name"], (cell["alignment"], cell["accuracy"]),
            (-4, 7 if up else 3 - 10 * position), "data", "offset points", fontsize=7.0,
            color=style.INK, va="bottom" if up else "top", gid="control",
        )  # fmt: skip


def _all(axes: Axes, cells: pd.DataFrame) -> None:
    grid = _grid(cells)
    together = _correlation(grid)
    learning = cells[~cells["frozen"] & (cells["rule"] != "bp")]
    several = grid[_SIZE].drop_duplicates().shape[0] > 1
    name = f"(b) all {len(grid)}" if several else "(b) all"
    right = ""
    if together is not None and several:
        right = f"correlation {_signed(together[0])}, ranks {_signed(together[1])}"
    marks.title(axes, name, right, note=_note(learning, cells))
    if _lost(axes, learning):
        return
    if not several:
        reason = (
            "One size of network with feedback in the table: set several init_scale, width or "
            "depth with rule: fa in the experiment's grid."
        )
        marks.say_missing(axes, reason, wrap=32)
        return
    for _, cell in grid.sort_values("l2").iterrows():
        axes.plot(
            cell["alignment"], cell["accuracy"], _marker(cell), color=_color(cell), markersize=3.2,
            alpha=0.8, markeredgewidth=0, zorder=3, gid="data",
        )  # fmt: skip
    axes.set_xlabel("gradient alignment, hidden layers")
    axes.set_ylabel("accuracy, held-out")


def _against_decay(
    axes: Axes, swept: pd.DataFrame, name: str, letter: str, cells: pd.DataFrame
) -> None:
    marks.title(axes, f"({letter}) {name}", _title_of_series(cells), note=_note(swept, cells))
    trained = swept[~swept["frozen"]]
    if trained.empty:
        marks.say_missing(axes, "No run of case trained in the table.", wrap=32)
        return
    for rule, curve in trained.groupby("rule"):
        curve = curve.sort_values("l2")
        color = style.rule_color(rule)
        stats = curve.assign(mean=curve[name], n=curve["replicates"] - curve["lost"])
        stats["low"] = stats["mean"] - stats[f"{name}_sd"]
        stats["high"] = stats["mean"] + stats[f"{name}_sd"]
        marks.band(axes, curve["l2"], stats, color, linewidth=1.3)
        for _, cell in curve.iterrows():
            look = {"markersize": 5, "markeredgecolor": "white", "markeredgewidth": 0.4}
            axes.plot(
                cell["l2"], cell[name], _marker(cell), color=_color(cell), zorder=4, gid="point",
                **look,
            )  # fmt: skip
        for l2 in curve.loc[curve["lost"] == curve["replicates"], "l2"]:
            axes.plot(
                l2, 0.04, "x", color=color, markersize=5, markeredgewidth=1.3, gid="diverged",
                transform=axes.get_xaxis_transform(), zorder=5,
            )  # fmt: skip
    _decay_axis(axes, trained["l2"])
    frozen = swept[swept["frozen"]].dropna(subset=[name])
    look = {"color": style.GUIDE, "linewidth": 1.1, "linestyle": marks.DASHED, "gid": "frozen"}
    if len(frozen) == 1:
        axes.axhline(frozen[name].iloc[0], zorder=1, **look)
    else:
        curve = frozen.sort_values("l2")
        axes.plot(curve["l2"], curve[name], marker="*", markersize=7, zorder=2, **look)
    decayed = swept.loc[swept["l2"] > 0, "decay_layers"]
    of = "output" if len(decayed) and (decayed == "output").all() else "all"
    axes.set_xlabel(f"decay λ of {of} weights")
    axes.set_ylabel(
        "accuracy, held-out" if name == "accuracy" else "gradient alignment,\nhidden layers"
    )


def _decay_axis(axes: Axes, decays: pd.Series) -> None:
    """A logarithmic axis with a place for zero."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    values = sorted(set(decays))
    positive = [x for x in values if x > 0]
    if positive:
        axes.set_xscale("symlog", linthresh=positive[0], linscale=0.6)
        axes.set_xlim(-0.12 * positive[0], 1.3 * positive[-1])
    stride = max(1, -(-len(values) // 6))
    axes.xaxis.set_major_locator(FixedLocator(values[::stride]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))


def _limit_accuracy(axes: Axes, cells: pd.DataFrame) -> None:
    """An axis of accuracies that is stretched towards one, where most of them lie."""
    import numpy as np
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    if not axes.axison:
        return
    scale = (
        lambda a: -np.log10(np.maximum(1.0 + _MARGIN - np.asarray(a, dtype=float), 1e-3)),
        lambda y: 1.0 + _MARGIN - 10.0 ** -np.asarray(y, dtype=float),
    )
    axes.set_yscale("function", functions=scale)
    axes.yaxis.set_major_locator(FixedLocator([0, 0.3, 0.6, 0.8, 0.9, 0.95, 1]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda a, _: f"{a:g}"))
    low = (cells["accuracy"] - cells["accuracy_sd"]).min()
    axes.set_ylim(max(-0.05, low - 0.1) if low == low else -0.05, 1.005)


def _note(part: pd.DataFrame, cells: pd.DataFrame) -> str | None:
    """How many replicates of a part diverged, as `marks.diverged_note` has it."""
    if not cells["lost"].sum():
        return None
    lost, replicates = part["lost"].sum(), part["replicates"].sum()
    return f"✕ {lost} of {replicates} replicates diverged" if lost else ""


def _keys(cells: pd.DataFrame) -> list:
    shown = cells[~cells["frozen"]]
    handles = []
    for rule in sorted(shown["rule"].unique(), key=lambda name: (name not in _MARKERS, name)):
        marker = _MARKERS.get(rule, "h")
        handles.append(marks.key(style.rule_color(rule), style.method_name(rule, 0), marker=marker))
    for l2 in sorted(x for x in shown["l2"].unique() if x > 0):
        look = {"linestyle": "none", "marker": "o"}
        handles.append(marks.key(style.l2_color(l2), style.l2_name(l2), **look))
    if cells["frozen"].any():
        handles.append(marks.guide_key("hidden layers frozen", marker="*", markersize=7))
    return handles


def _remark(cells: pd.DataFrame) -> str:
    data = " and ".join(sorted(cells["data"].unique()))
    return f"Data: {data}. BP has alignment 1 by definition."
