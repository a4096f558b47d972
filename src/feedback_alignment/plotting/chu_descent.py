"""chu_descent: which layers lower the loss, and how aligned they are by then (Chu 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedback_alignment.plotting import panels, style, tables
from feedback_alignment.plotting.chu_alignment import (
    control_keys,
    control_looks,
    depth_name,
    layers,
    legend,
    mean_and_sd,
    methods,
    scale_name,
    shades,
    variant_lines,
    with_controls,
    zero_line,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METRICS = ("descent_share", "gradient_alignment", "loss", "descent")
_RUN = [*tables.REPLICATE, "variant", "init_scale"]
_HALF = {"color": style.INK, "linewidth": 1.0, "linestyle": (0, (1.5, 1.5))}
_OUTPUT_COLOR = "#a3307e"
_SUM = {"color": style.INK, "linewidth": 1.1, "linestyle": (0, (4, 2))}


def lacking(table: pd.DataFrame) -> str:
    """Why there is nothing to draw; empty if there is something."""
    if not (table["metric"] == "descent_share").any():
        return "No descent_share in the table: set descent: true in the experiment's settings."
    lacks = tables.lacking_metrics(table, "loss", "gradient_alignment")
    if lacks or tables.lacking_steps(table):
        return lacks or tables.lacking_steps(table)
    if _free(select(table)).empty:
        return (
            "No run with descent_share is left to itself: add one without freeze_step and other "
            "interventions to the experiment."
        )
    return ""


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """What each run had at its own half fall of the loss, `mean ± sd`, a row per column drawn.

    `fall` is the part of the undisturbed run's fall of the loss that a control reached;
    `first order / fall` compares the summed first-order descent with what the loss really fell.
    """
    import pandas as pd

    rows = select(table)
    free = _free(rows)
    keys = ["init_scale", *(["variant"] if rows["variant"].any() else [])]
    halves = _half_fall(tables.metric(free, "loss"), _RUN)
    at_half = free.merge(halves.rename("half").reset_index(), on=_RUN)
    at_half = at_half[at_half["step"] == at_half["half"]]
    alive = tables.replicates(free[free["status"] != "diverged"])
    parts = {
        "replicates": alive.groupby(keys).size(),
        "half fall at step": mean_and_sd(halves.rename("value").reset_index(), keys),
        "hidden alignment then": mean_and_sd(
            tables.metric(at_half, "gradient_alignment", "hidden"), keys
        ),
        "output's share then": mean_and_sd(tables.metric(at_half, "descent_share", "output"), keys),
    }
    falls = _falls(rows)
    alone = falls[falls["control"] == ""].set_index([*keys, "replicate"])["value"]
    for control in control_looks(rows):
        part = falls[falls["control"] == control].join(
            alone.rename("whole"), on=[*keys, "replicate"]
        )
        part = part.assign(value=part["value"] / part["whole"]).dropna(subset=["value"])
        parts[f"fall, {control}"] = mean_and_sd(part, keys)
    course = first_order(free)
    if len(course):
        first, last = (course.groupby(_RUN)["value"].agg(which) for which in ("first", "last"))
        whole = falls[falls["control"] == ""].set_index(_RUN)["value"]
        ratio = ((first - last) / whole).rename("value").reset_index()
        parts["first order / fall"] = mean_and_sd(ratio, keys)
    return pd.DataFrame(parts)


def draw(table: pd.DataFrame) -> Figure:
    """Shares of the descent, hidden alignment and loss against step; a column per scale."""
    rows = select(table)
    free = _free(rows)
    columns = _columns(free)
    figure, grid = panels.grid(3, len(columns), 1.75, sharex="col", sharey="row")
    for column, (variant, scale) in enumerate(columns):
        here = rows[(rows["variant"] == variant) & (rows["init_scale"] == scale)]
        top, middle, bottom = (grid[row][column] for row in range(3))
        note = panels.diverged_note(here, rows)
        name = "\n".join([scale_name(scale), *variant_lines(variant)])
        panels.title(top, name, "" if variant else depth_name(here["depth"].iloc[0]), note)
        zero_line(top)
        zero_line(middle)
        gone = [panels.all_diverged(axes, _free(here)) for axes in (top, middle)]
        if not any(gone):
            _shares(top, _free(here), layers(free))
        _alignment(middle, here)
        if not panels.all_diverged(bottom, here):
            _loss(bottom, here)
        half = _mean_half_fall(here)
        for axes in (top, middle, bottom):
            axes.set_xlim(0, max(1, here["step"].max()))
            if half is not None:
                axes.axvline(half, gid="half", zorder=2.2, **_HALF)
        panels.step_axis(bottom)
        panels.mark_diverged(bottom, here)
    grid[0][0].set_ylabel("share of the\nfirst-order descent")
    grid[1][0].set_ylabel("gradient alignment,\nall hidden layers")
    grid[2][0].set_ylabel("loss")
    _limit(grid)
    legend(figure, _handles(rows, free[free["variant"] == columns[0][0]]))
    return figure


def select(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the conditions with a loss, with their controls and variants."""
    has = table.loc[table["metric"] == "loss", "condition"].unique()
    return with_controls(table[table["condition"].isin(has)], ["init_scale"])


def first_order(rows: pd.DataFrame) -> pd.DataFrame:
    """The loss that the first-order descent of all layers predicts, a row a run and step.

    Only where every step is recorded and takes all samples: a sum over every fifth step would be
    off by more than the first order is, and on minibatches descent and loss differ in samples.
    """
    import pandas as pd

    descent = tables.metric(rows[rows["batch_size"] == 0], "descent")
    descent = descent.groupby([*_RUN, "step"])["value"].sum().reset_index()
    start = tables.metric(rows, "loss").sort_values("step").groupby(_RUN)["value"].first()
    parts = [descent.iloc[:0]]
    for run, course in descent.groupby(_RUN, sort=False):
        if (course["step"].diff().dropna() == 1).all() and len(course) > 1:
            before = course["value"].cumsum().shift(fill_value=0.0)
            parts.append(course.assign(value=start[run] - before))
    return pd.concat(parts)


def _columns(free: pd.DataFrame) -> list[tuple[str, float]]:
    # Variant and scale of each column of panels; the variant with most columns comes first.
    cells = free[["variant", "init_scale"]].drop_duplicates()
    many = cells["variant"].value_counts()
    cells = cells.itertuples(index=False, name=None)
    return sorted(cells, key=lambda cell: (-many[cell[0]], *cell))


def _free(rows: pd.DataFrame) -> pd.DataFrame:
    # The runs left to themselves that have what this figure is about.
    free = rows[rows["control"] == ""]
    has = free.loc[free["metric"] == "descent_share", "condition"].unique()
    return free[free["condition"].isin(has)]


def _half_fall(loss: pd.DataFrame, keys: list[str]) -> pd.Series:
    # First recorded step at which the loss has fallen half-way; none where it has not fallen.
    ordered = loss.sort_values("step", kind="stable")
    ends = ordered.groupby(keys)["value"].agg(["first", "last"])
    rows = ordered.join(ends, on=keys)
    down = (rows["last"] < rows["first"]) & (rows["value"] <= (rows["first"] + rows["last"]) / 2)
    return rows[down].groupby(keys)["step"].min()


def _mean_half_fall(cells: pd.DataFrame) -> int | None:
    # That of the mean loss of the undisturbed runs, which is the line drawn.
    loss = tables.metric(_free(cells), "loss")
    if loss.empty:
        return None
    stats = tables.mean_over_replicates(loss, ["step"]).rename(columns={"mean": "value"})
    halves = _half_fall(stats.assign(all=0), ["all"])
    return int(halves.iloc[0]) if len(halves) else None


def _falls(rows: pd.DataFrame) -> pd.DataFrame:
    loss = tables.metric(rows, "loss").sort_values("step", kind="stable")
    ends = loss.groupby([*_RUN, "control"])["value"].agg(["first", "last"])
    return (ends["first"] - ends["last"]).rename("value").reset_index()


def _shares(axes: Axes, free: pd.DataFrame, names: list[str]) -> None:
    method = methods(free)[0]
    colors = dict(zip(names, shades(style.method_color(*method), len(names)), strict=True))
    for layer, color in {**colors, "output": _OUTPUT_COLOR}.items():
        rows = tables.metric(free, "descent_share", layer)
        if len(rows):
            stats = tables.mean_over_replicates(rows, ["step"])
            panels.band(axes, stats["step"], stats, color)


def _alignment(axes: Axes, here: pd.DataFrame) -> None:
    # Frozen layers do not move, so that their alignment drives nothing.
    looks = control_looks(here)
    moving = here[here["freeze_step"].ne(0).fillna(True)]
    for control, rows in tables.metric(moving, "gradient_alignment", "hidden").groupby("control"):
        stats = tables.mean_over_replicates(rows, ["step"])
        look = looks.get(control, {"color": style.method_color(*methods(rows)[0])})
        panels.band(axes, stats["step"], stats, **look)


def _loss(axes: Axes, here: pd.DataFrame) -> None:
    looks = control_looks(here)
    for control, rows in tables.metric(here, "loss").groupby("control"):
        stats = tables.mean_over_replicates(rows, ["step"])
        plain = {"color": style.method_color(*methods(rows)[0]), "linewidth": 2.4}
        panels.band(axes, stats["step"], stats, **looks.get(control, plain))
    course = first_order(_free(here))
    if len(course):
        stats = tables.mean_over_replicates(course, ["step"])
        axes.plot(stats["step"], stats["mean"], gid="first-order", zorder=4, **_SUM)


def _limit(grid: list[list[Axes]]) -> None:
    import numpy as np

    shares, alignments, losses = (
        [y for axes in row for y in (axes.dataLim.y0, axes.dataLim.y1) if np.isfinite(y)]
        for row in grid
    )
    # A share has no bound where the sum is near zero; what it shows lies around 0 and 1.
    grid[0][0].set_ylim(
        max(-0.8, min([-0.05, *shares])) - 0.03, min(1.8, max([1.05, *shares])) + 0.03
    )
    grid[1][0].set_ylim(max(-1.05, min([-0.1, *alignments]) - 0.05), max([0.5, *alignments]) + 0.05)
    grid[2][0].set_ylim(0, 1.08 * max([1e-12, *losses]))


def _handles(rows: pd.DataFrame, free: pd.DataFrame) -> list:
    method = methods(free)[0]
    names = layers(free)
    colors = shades(style.method_color(*method), len(names))
    handles = [panels.key(c, f"layer {n}") for n, c in zip(names, colors, strict=True)]
    handles.append(panels.key(_OUTPUT_COLOR, "output layer"))
    handles += control_keys(rows)
    if len(first_order(free)):
        handles.append(panels.guide_key("sum of first-order descent", **_SUM))
    return [*handles, panels.guide_key("half of the fall", **_HALF)]
