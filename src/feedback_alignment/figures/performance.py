"""Alignment and accuracy are two things (Chu 2024)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from feedback_alignment.figures import marks, numbers, style

METRICS = ("accuracy", "gradient_alignment")

_MARGIN = 0.03  # how far beyond 1 the stretched axis of accuracies has its end
_MARKERS = {"fa": "o", "bp": "s", "dfa": "^", "usf": "D", "kp": "P", "drtp": "X"}
_FROZEN = style.NULL | {"color": style.case_color("frozen_hidden"), "marker": "*", "markersize": 7}
_FRESH = _FROZEN | {"color": style.case_color("fresh_feedback"), "linestyle": "none"}
_CONTROLS = {"frozen_hidden": _FROZEN, "random_features": _FROZEN, "fresh_feedback": _FRESH}
#: What each condition is for: the series over decays with its controls, and the grid.
CASES = ("trained", *_CONTROLS, "search")
_LABELS = {"accuracy": "accuracy, held-out", "alignment": "gradient alignment, hidden layers"}
_EDGE = {"markeredgecolor": "white", "markeredgewidth": 0.4}


def lacking(table: pd.DataFrame) -> str:
    """Why there is nothing to draw; empty if there is something."""
    return numbers.lacking_metrics(table, *METRICS) or numbers.lacking_cases(table, CASES)


def conditions(table: pd.DataFrame, cases: Sequence[str] = CASES) -> pd.DataFrame:
    """One row a condition: its settings, and mean and sd over replicates at the end of training.

    Args:
        table: rows of the metrics, a run once for each of its cases.
        cases: those of the conditions that count.

    Returns:
        Settings; `case`, of several the first in `cases`; `accuracy`, `accuracy_sd`, `alignment`,
        `alignment_sd` (hidden layers; 1 for BP, which is what it means; NaN where there is none),
        `replicates` and `lost` (diverged); `control`: whether its hidden layers never learn, or
        never by feedback that stays; `swept`: whether it belongs to the series over decays;
        `searched`: to the grid.
    """
    rows = table[table["case"].isin(cases)]
    own = rows.groupby("condition")["case"].unique()
    rows = rows.drop_duplicates(numbers.VALUE)
    out = rows.drop_duplicates("condition").set_index("condition")
    out = out[numbers.SETTINGS].assign(case=own.map(lambda names: min(names, key=cases.index)))
    out["control"] = out["case"].isin(_CONTROLS)
    out["swept"] = out["case"].isin(["trained", "frozen_hidden"])
    out["searched"] = own.map(lambda names: "search" in names)
    ended = numbers.replicates(rows)
    out["replicates"] = ended.groupby("condition").size()
    out["lost"] = (ended["status"] == "diverged").groupby(ended["condition"]).sum()
    for metric, layer in (("accuracy", ""), ("gradient_alignment", "hidden")):
        last = numbers.last(numbers.metric(rows[rows["layer"] == layer], metric))
        stats = numbers.estimate(last, ["condition"]).set_index("condition")
        name = metric.removeprefix("gradient_")
        out[name], out[f"{name}_sd"] = stats["mean"], stats["sd"].fillna(0.0)
    bp = (out["rule"] == "bp") & ~out["control"]
    out.loc[bp & out["accuracy"].notna(), ["alignment", "alignment_sd"]] = 1.0, 0.0
    return out.reset_index()


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracy and alignment, `mean ± sd`, of the series over decays and the controls.

    Below them, the correlation over the grid and over its conditions at each decay, and the same
    of the grid under direct feedback.
    """
    if reason := lacking(table):
        return numbers.nothing(reason)
    cells = conditions(table)
    series = cells[cells["swept"] | cells["control"]]
    series = series.sort_values(["control", "rule", "width", "l2"], kind="stable")
    rows = [
        {
            "run": _name(cell, cells),
            "λ": f"{cell['l2']:g}",
            "accuracy": _shown(cell, "accuracy"),
            "cos(g_BP, g_FA), hidden": _shown(cell, "alignment"),
            "replicates": str(cell["replicates"] - cell["lost"]),
        }
        for _, cell in series.iterrows()
    ]
    names = ("correlation", "correlation of ranks")
    for of, those in (("", cells), ("DFA, ", conditions(table, ["search_direct"]))):
        grid = _judged(_searched(those))
        parts = [("", grid), *((f"{l2:g}", part) for l2, part in grid.groupby("l2"))]
        for decay, part in parts:
            for name, value in zip(names, _correlation(part), strict=False):
                words = {"run": f"{name}, {of}{len(part)} conditions", "λ": decay}
                words["accuracy"] = marks.signed(value, "+.2f")
                rows.append(dict.fromkeys(rows[0], "") | words)
    return pd.DataFrame(rows).set_index(["run", "λ"])


@marks.drawing(lacking)
def draw(table: pd.DataFrame) -> Figure:
    """Accuracy against alignment over all networks; each against decay for those of one size."""
    table = table[table["case"].isin(CASES)]
    cells = conditions(table)
    searched, swept = _searched(cells), cells[cells["swept"]]
    grid = _judged(searched)
    network = ""
    if len(swept):
        usual = swept.iloc[0]
        network = f"σ = {usual['init_scale']:g}, width {usual['width']}, depth {usual['depth']}"
    figure, ((first, second, third),) = marks.grid(1, 3, 2.4)
    for axes, name, part in (
        (first, f"(a) {len(grid)} networks", searched),
        (second, "(b) accuracy", swept),
        (third, "(c) alignment", swept),
    ):
        runs = table[table["condition"].isin(part["condition"])]
        marks.title(axes, name, "", marks.diverged_note(runs, table))
    if not marks.all_diverged(first, table[table["condition"].isin(searched["condition"])]):
        _all(first, grid, cells)
    _against_decay(second, swept, "accuracy")
    _against_decay(third, swept, "alignment")
    low = min(0.0, (cells["alignment"] - cells["alignment_sd"]).min())
    first.set_xlim(low - 0.06, 1.06)
    for axes in (first, second):
        _limit_accuracy(axes, cells)
    third.set_ylim(low - 0.06, 1.06)
    marks.legend(figure, _keys(cells))
    data = " and ".join(sorted(cells["data"].unique()))
    of = f" (b) and (c): {network}." if network else ""
    marks.footnote(figure, f"Data: {data}. BP has alignment 1 by definition.{of}")
    return figure


def _searched(cells: pd.DataFrame) -> pd.DataFrame:
    """The conditions of the grid; without one, all whose hidden layers learn by feedback."""
    learning = cells[~cells["control"] & (cells["rule"] != "bp")]
    return learning[learning["searched"]] if learning["searched"].any() else learning


def _judged(cells: pd.DataFrame) -> pd.DataFrame:
    """Those that have both numbers."""
    return cells.dropna(subset=["accuracy", "alignment"])


def _correlation(grid: pd.DataFrame) -> tuple[float, ...]:
    """Pearson's and Spearman's correlation of accuracy and alignment; none for too few."""
    both = grid[["accuracy", "alignment"]]
    if len(grid) < 3 or both.std().min() == 0:
        return ()
    return tuple(of["accuracy"].corr(of["alignment"]) for of in (both, both.rank()))


def _shown(cell: pd.Series, name: str) -> str:
    if cell[name] != cell[name]:
        return "diverged" if cell["lost"] == cell["replicates"] else ""
    spread = f" ± {cell[f'{name}_sd']:.3f}" if cell["replicates"] - cell["lost"] > 1 else ""
    return f"{cell[name]:.3f}{spread}"


def _name(cell: pd.Series, cells: pd.DataFrame) -> str:
    """A condition in words, short of its decay."""
    if not cell["control"]:
        return style.method_name(cell["rule"], 0)
    if cell["case"] != "random_features":
        return style.case_name(cell["case"])
    usual = cells[cells["swept"]].iloc[0] if cells["swept"].any() else cell
    words = {"width": "width {:d}", "depth": "depth {:d}", "init_scale": "σ = {:g}"}
    other = [text.format(cell[key]) for key, text in words.items() if cell[key] != usual[key]]
    return ", ".join(["random features", *other])


def _point(cell: pd.Series) -> dict[str, Any]:
    """Marker and colour of a condition: the rule's, and that of the decay if there is one."""
    color = style.l2_color(cell["l2"]) if cell["l2"] > 0 else style.rule_color(cell["rule"])
    marker = _MARKERS.get(cell["rule"], "h")
    if control := _CONTROLS.get(cell["case"]):
        color, marker = control["color"], control["marker"]
    return {"color": color, "marker": marker, "linestyle": "none"}


def _all(axes: Axes, grid: pd.DataFrame, cells: pd.DataFrame) -> None:
    """A point a network and a line a decay; a star a control."""
    if len(grid[["init_scale", "width", "depth"]].drop_duplicates()) < 2:
        reason = "One size of network with feedback in the table: set several init_scale, width or "
        reason += "depth with rule: fa in the experiment's grid."
        return marks.say_missing(axes, reason, wrap=26)
    look = {"markersize": 3.2, "alpha": 0.8, "markeredgewidth": 0, "zorder": 3, "gid": "data"}
    for _, cell in grid.sort_values("l2").iterrows():
        axes.plot(cell["alignment"], cell["accuracy"], **look, **_point(cell))
    for _, part in grid.groupby("l2"):
        if not _correlation(part):
            continue
        # Least squares on the axis of accuracies as it is drawn, so that lines are straight.
        line = np.polynomial.Polynomial.fit(part["alignment"], _stretch(part["accuracy"]), 1)
        ends = np.array([part["alignment"].min(), part["alignment"].max()])
        look = {"color": _point(part.iloc[0])["color"], "linewidth": 1.5, "zorder": 2}
        axes.plot(ends, _shrink(line(ends)), gid="within", **look)
    for _, cell in _judged(cells[cells["control"] & ~cells["swept"]]).iterrows():
        bars = {"yerr": cell["accuracy_sd"], "xerr": cell["alignment_sd"], "elinewidth": 0.9}
        look = {"markersize": 7, "zorder": 3, "gid": "control"} | _EDGE | _point(cell)
        axes.errorbar(cell["alignment"], cell["accuracy"], **bars, **look)
    axes.set(xlabel=_LABELS["alignment"], ylabel=_LABELS["accuracy"])


def _against_decay(axes: Axes, swept: pd.DataFrame, name: str) -> None:
    trained = swept[~swept["control"]]
    if trained.empty:
        return marks.say_missing(axes, "No run of case trained in the table.", wrap=32)
    for rule, curve in trained.groupby("rule"):
        curve = curve.sort_values("l2")
        color, mean, sd = style.rule_color(rule), curve[name], curve[f"{name}_sd"]
        kept = curve["replicates"] - curve["lost"]
        stats = curve.assign(mean=mean, n=kept, low=mean - sd, high=mean + sd)
        marks.band(axes, curve["l2"], stats, color, linewidth=1.3)
        for _, cell in curve.iterrows():
            look = {"markersize": 5, "zorder": 4, "gid": "point"} | _EDGE
            axes.plot(cell["l2"], cell[name], **look, **_point(cell))
        for l2 in curve.loc[kept == 0, "l2"]:
            marks.cross(axes, l2, 0.04, color)
    decays = sorted(set(trained["l2"]))
    if positive := [l2 for l2 in decays if l2 > 0]:  # a logarithmic axis with a place for zero
        axes.set_xscale("symlog", linthresh=positive[0], linscale=0.6)
        axes.set_xlim(-0.12 * positive[0], 1.3 * positive[-1])
    marks.ticks(axes.xaxis, decays[:: -(-len(decays) // 6)])
    frozen = swept[swept["control"]].dropna(subset=[name]).sort_values("l2")
    look: dict[str, Any] = _FROZEN | {"marker": "", "gid": "frozen"}
    if len(frozen) == 1:
        axes.axhline(frozen[name].iloc[0], zorder=1, **look)
    else:
        axes.plot(frozen["l2"], frozen[name], zorder=2, **look)
    decayed = swept.loc[swept["l2"] > 0, "decay_layers"]
    of = "output" if len(decayed) and (decayed == "output").all() else "all"
    axes.set(xlabel=f"decay λ of {of} weights", ylabel=_LABELS[name].replace(", hid", ",\nhid"))


def _stretch(accuracy: ArrayLike) -> np.ndarray:
    return -np.log10(np.maximum(1.0 + _MARGIN - np.asarray(accuracy, dtype=float), 1e-3))


def _shrink(place: ArrayLike) -> np.ndarray:
    return 1.0 + _MARGIN - 10.0 ** -np.asarray(place, dtype=float)


def _limit_accuracy(axes: Axes, cells: pd.DataFrame) -> None:
    """An axis of accuracies that is stretched towards one, where most of them lie."""
    if not axes.axison:
        return
    axes.set_yscale("function", functions=(_stretch, _shrink))
    marks.ticks(axes.yaxis, [0, 0.3, 0.6, 0.8, 0.9, 0.95, 1])
    low = (cells["accuracy"] - cells["accuracy_sd"]).min()
    axes.set_ylim(max(-0.05, low - 0.1) if low == low else -0.05, 1.005)


def _keys(cells: pd.DataFrame) -> list[Line2D]:
    shown = cells[~cells["control"]]
    handles = []
    for rule in sorted(shown["rule"].unique(), key=lambda name: (name not in _MARKERS, name)):
        marker = _MARKERS.get(rule, "h")
        handles.append(marks.key(style.rule_color(rule), style.method_name(rule, 0), marker=marker))
    point = {"linestyle": "none", "marker": "o"}
    decays = sorted(x for x in shown["l2"].unique() if x > 0)
    handles += [marks.key(style.l2_color(x), style.l2_name(x), **point) for x in decays]
    for case, look in (("frozen_hidden", _FROZEN), ("fresh_feedback", _FRESH)):
        if any(_CONTROLS.get(own) is look for own in cells["case"]):
            handles.append(marks.key(label=style.case_name(case), **look))
    return handles
