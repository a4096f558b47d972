"""Published values beside ours, told apart by their open diamonds and thin lines."""

from __future__ import annotations

import numpy as np
import pandas as pd

from feedback_alignment.figures import marks, numbers, style
from feedback_alignment.figures.facets import Facets
from feedback_alignment.figures.layout import Panel

_LABEL = "published (Song 2021 code)"


def published(shown: Facets, points: pd.DataFrame) -> None:
    """Draw published means in the panels that show their settings and metric.

    Against steps they are thin lines, else single points. Error bars are one standard deviation.
    Axes grow to hold them, and the legend gets one entry, and one for each decay that ours lack.

    Args:
        shown: a figure of ours, with a line for each decay, or each rule and decay.
        points: a row a value of FA: the column on the horizontal axis, `metric`, `l2`, `mean`, and
            if known `sd`, `layer`, and settings such as `activation`.

    Raises:
        FigureError: the points lack a column, or are of another rule than FA.
    """
    if not shown.panels:
        return
    if missing := sorted({shown.x, "metric", "l2", "mean"} - set(points)):
        raise numbers.FigureError(f"the published points have no column {', '.join(missing)}")
    if "rule" in points and (others := sorted({*points["rule"]} - {"fa"})):
        raise numbers.FigureError(f"the published points are of {', '.join(others)}; allowed: fa")
    drawn = [_draw(panel, _of(panel, points, shown.x), shown.x) for panel in shown]
    decays = sorted({l2 for some in drawn for l2 in some["l2"]})
    known = {str(key.get_label()) for key in shown.keys}
    theirs = [x for x in decays if not known & {style.l2_name(x), style.method_name("fa", x)}]
    with style.context():
        keys = [marks.key(style.l2_color(l2), style.l2_name(l2)) for l2 in theirs]
        if any(map(len, drawn)) and _LABEL not in known:
            single = {} if shown.x in numbers.COURSES else {"linestyle": "none"}
            shown.legend(*keys, marks.guide_key(_LABEL, **style.PUBLISHED | single))


def _of(panel: Panel, points: pd.DataFrame, x: str) -> pd.DataFrame:
    """The points that belong into a panel, by metric, layer and the settings that it shows."""
    points = points[points["metric"].isin(panel.quantity.metrics)]
    if "layer" in points and panel.quantity.layer is not None:
        points = points[points["layer"].fillna("") == panel.quantity.layer]
    for name in set(points).intersection(numbers.SETTINGS) - {x, "l2", "steps"}:
        points = points[points[name].isin(panel.cells[name].unique())]
    return points.sort_values(x)


def _draw(panel: Panel, points: pd.DataFrame, x: str) -> pd.DataFrame:
    """Draw a panel's points, a colour each decay; returns them."""
    rows = points.assign(sd=points["sd"].fillna(0.0) if "sd" in points else 0.0)
    some = {"markersize": 4, "linestyle": "none"}
    some = {"markersize": 3, "markevery": 0.1} if x in numbers.COURSES else some
    for l2, part in rows.groupby("l2"):
        look = style.PUBLISHED | some | {"color": style.l2_color(l2), "elinewidth": 0.8}
        bars = part["sd"].where(part["sd"] > 0)
        panel.axes.errorbar(part[x], part["mean"], bars, zorder=5, gid="published", **look)
    if len(rows):
        _make_room(panel, rows, x)
    return points


def _make_room(panel: Panel, rows: pd.DataFrame, x: str) -> None:
    """Let the axes reach as far as the points and their bars."""
    axes = panel.axes
    if x == "width":
        marks.width_axis(axes, [*panel.cells[x], *rows[x]])
    else:
        axes.set_xlim(right=max(axes.get_xlim()[1], rows[x].max()))
    log = axes.get_yscale() == "log"
    ends = np.concatenate([rows["mean"] - rows["sd"], rows["mean"], rows["mean"] + rows["sd"]])
    ends = np.log(ends[ends > 0]) if log else ends
    low, high = np.log(axes.get_ylim()) if log else axes.get_ylim()
    margin = 0.04 * (high - low)
    if len(ends) and (ends.min() < low or ends.max() > high):
        limits = min(low, ends.min() - margin), max(high, ends.max() + margin)
        axes.set_ylim(*(np.exp(limits) if log else limits))
        if log:
            marks.decades(axes)
