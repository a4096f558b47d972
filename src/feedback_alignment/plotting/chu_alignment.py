"""chu_alignment: updates under random feedback come to point along the gradient (Chu 2024)."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from feedback_alignment.plotting import panels, style, tables
from feedback_alignment.rules import RULES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METRICS = ("gradient_alignment", "null_gradient_alignment")
#: Settings that interfere with a run; :func:`with_controls` puts them into words.
INTERVENTIONS = (
    "switch_step", "switch_rule", "redraw_step", "redraw_every", "tie_step", "tie_angle",
    "tie_every", "perturb_step", "perturb_size", "freeze_step",
)  # fmt: skip
_FROZEN_COLOR = "#c77700"
_FRESH_COLOR = "#1b7837"
_TIED_COLORS = "#4a2c85", "#bcaee0"  # at 0 and at 90 degrees
_KEYS = ["init_scale", "depth"]
_NO_NULL = "No alignment of feedback that took no part: set null_alignment: true in the settings."


def lacking(table: pd.DataFrame) -> str:
    """Why there is nothing to draw; empty if there is something."""
    lacks = tables.lacking_metrics(table, "gradient_alignment")
    return lacks or tables.lacking_steps(table)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Gradient alignment at the end of training, `mean ± sd`, a row per panel and control.

    `highest` is the largest mean over replicates of all hidden layers together along the way.
    """
    import pandas as pd

    rows = select(table)
    keys = [*_KEYS, *(["variant"] if rows["variant"].any() else []), "control"]
    groups = tables.replicates(rows[rows["status"] != "diverged"]).groupby(keys)
    parts = {"replicates": groups.size()}
    columns = {"all hidden": ("gradient_alignment", "hidden")}
    columns |= {f"layer {n}": ("gradient_alignment", n) for n in layers(rows)}
    columns["null"] = ("null_gradient_alignment", "hidden")
    for column, (name, layer) in columns.items():
        parts[column] = mean_and_sd(tables.last(rows, name, layer), keys)
    course = tables.metric(rows, "gradient_alignment", "hidden")
    stats = tables.mean_over_replicates(course, [*keys, "step"])
    parts["highest"] = stats.groupby(keys)["mean"].max()
    return pd.DataFrame(parts)


def draw(table: pd.DataFrame) -> Figure:
    """Gradient alignment against epoch: rows of initial scales, columns of depths; controls."""
    rows = select(table)
    plain, controlled = rows[rows["control"] == ""], rows[rows["control"] != ""]
    scales = _rows(plain)
    bases = _cells(controlled, ["variant", "init_scale", "depth"])
    first = [variant for variant, *_ in scales]
    bases.sort(key=lambda base: (first.index(base[0]) if base[0] in first else len(first), base))
    columns = max([2 if bases else 1, *(len(depths) for *_, depths in scales)])
    # One place more than there are panels of controls: their legend.
    below = -(-(len(bases) + 1) // columns) if bases else 0
    figure, grid = panels.grid(len(scales) + below, columns, 1.95, sharey=True)
    drawn: dict[tuple[int, int], Axes] = {}
    for row, (variant, scale, depths) in enumerate(scales):
        here = plain[(plain["variant"] == variant) & (plain["init_scale"] == scale)]
        for column, depth in enumerate(depths):
            drawn[row, column] = axes = grid[row][column]
            cells = here[here["depth"] == depth]
            note = panels.diverged_note(cells, rows)
            panels.title(axes, depth_name(depth), scale_name(scale), note)
            axes.set_ylabel(_row_name(variant))
            _panel(axes, cells, layers(plain))
    for number, (variant, scale, depth) in enumerate(bases):
        place = len(scales) + number // columns, number % columns
        drawn[place] = axes = grid[place[0]][place[1]]
        base = (rows["variant"] == variant) & (rows["init_scale"] == scale)
        cells = rows[base & (rows["depth"] == depth)]
        note = panels.diverged_note(cells, rows)
        panels.title(axes, depth_name(depth), scale_name(scale), note)
        axes.set_ylabel(_row_name(variant))
        _controls(axes, cells)
    for row, line in enumerate(grid):
        for column, axes in enumerate(line):
            if (row, column) not in drawn:
                axes.set_axis_off()
    _label(drawn, len(scales), rows)
    _limit(list(drawn.values()))
    legend(figure, _handles(plain, rows))
    if bases and len(plain):
        place = grid[len(scales) + len(bases) // columns][len(bases) % columns]
        used = rows.merge(controlled[["variant", *_KEYS]].drop_duplicates())
        key = place.legend(
            handles=control_keys(used), loc="upper left", borderaxespad=0.0, alignment="left",
            title="Controls, all hidden layers:",
        )  # fmt: skip
        key.get_title().set_fontweight("bold")
    if tables.metric(rows, "null_gradient_alignment").empty and _any_left(rows):
        panels.footnote(figure, _NO_NULL)
    return figure


def select(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the conditions with a gradient alignment, with their controls and variants."""
    has = table.loc[table["metric"] == "gradient_alignment", "condition"].unique()
    rows = with_controls(table[table["condition"].isin(has)], _KEYS)
    return rows.assign(epoch=tables.epochs(rows))


def with_controls(table: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Add `control`, a condition's interventions in words, and `variant`.

    `control` is empty for a run that is left to itself. `variant` is that of
    :func:`tables.with_variant`, interventions aside, so that a run and its controls share it.

    Args:
        table: tidy rows.
        keys: the settings that the figure keeps apart, beside the controls.
    """
    conditions = table.drop_duplicates("condition")
    names = {row["condition"]: control_name(row) for _, row in conditions.iterrows()}
    alike = conditions.assign(**dict.fromkeys(INTERVENTIONS, 0))
    variants = tables.with_variant(alike, keys).set_index("condition")["variant"]
    return table.assign(
        control=table["condition"].map(names), variant=table["condition"].map(variants)
    )


def control_name(settings: pd.Series) -> str:
    """The interventions of a condition in words; empty if there is none.

    Args:
        settings: a row of a tidy table.
    """
    import pandas as pd

    found = []

    def at(name: str, words: str, usual: int | None = None) -> None:
        # `usual` is the first step of an intervention that goes on from then: not worth a word.
        start, every = settings[f"{name}_step"], settings.get(f"{name}_every", 0)
        if pd.isna(start):
            return
        goes_on = every > 0 or name == "freeze"
        if every > 0:
            words += " every step" if every == 1 else f" every {every} steps"
        if not goes_on:
            words += f" at step {style.count(start)}"
        elif start != usual:
            words += f" from step {style.count(start)}"
        found.append(words)

    rule = settings["switch_rule"]
    at("switch", f"switched to {RULES[rule].label if rule in RULES else rule}")
    at("redraw", "fresh feedback", usual=1)
    at("tie", f"feedback tied at {settings['tie_angle']:g}°", usual=0)
    at("perturb", f"perturbed by {settings['perturb_size']:g}")
    at("freeze", "hidden layers frozen", usual=0)
    return ", ".join(found).replace("° every step", "°")


def control_looks(rows: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Colour and dash pattern of each control of the rows, that of no control left out.

    Controls of one kind share a colour and differ in their dashes.
    """
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    known = rows.drop_duplicates("control").sort_values("control")
    known = known.sort_values("tie_angle", kind="stable")
    known = known.sort_values("tie_step", kind="stable", key=lambda step: step.notna())
    tied = LinearSegmentedColormap.from_list("tied", _TIED_COLORS)
    looks: dict[str, dict[str, Any]] = {}
    for _, row in known[known["control"] != ""].iterrows():
        if "frozen" in row["control"]:
            color = _FROZEN_COLOR
        elif "tied" in row["control"]:
            color = to_hex(tied(min(row["tie_angle"] / 90, 1.0)))
        else:
            color = _FRESH_COLOR if "fresh" in row["control"] else style.GUIDE
        alike = sum(look["color"] == color for look in looks.values())
        looks[row["control"]] = {"color": color, "linestyle": panels.dash(alike)}
    return looks


def control_keys(rows: pd.DataFrame) -> list[Artist]:
    """Legend entries of the runs left to themselves, by rule, and of every control."""
    plain = rows[rows["control"] == ""]
    handles = [
        panels.key(
            style.method_color(*method), f"plain {style.method_name(*method)}", linewidth=2.4
        )
        for method in methods(plain)
    ]
    looks = control_looks(rows)
    return handles + [panels.key(label=textwrap.fill(n, 30), **look) for n, look in looks.items()]


def legend(figure: Figure, handles: Sequence[Artist]) -> None:
    """The legend of :func:`panels.legend`, in as few rows as the lengths of its entries allow."""
    # Inches at the legend's type size: line and gaps, then the letters of the longest line.
    widths = [0.49 + 0.061 * max(map(len, h.get_label().split("\n"))) for h in handles]
    for columns in range(len(handles), 0, -1):
        long = -(-len(handles) // columns)
        parts = [widths[start : start + long] for start in range(0, len(handles), long)]
        if sum(map(max, parts)) < figure.get_figwidth() - 0.1:
            break
    panels.legend(figure, handles, columns=columns)


def methods(rows: pd.DataFrame) -> list[tuple[str, float]]:
    """The pairs of rule and decay among the rows, in order."""
    pairs = rows[["rule", "l2"]].drop_duplicates().sort_values(["rule", "l2"])
    return list(pairs.itertuples(index=False, name=None))


def layers(rows: pd.DataFrame) -> list[str]:
    """The hidden layers with a gradient alignment, from the input on."""
    names = rows.loc[rows["metric"] == "gradient_alignment", "layer"].unique()
    return sorted((name for name in names if name.isdecimal()), key=int)


def shades(color: str, number: int) -> list[str]:
    """A colour from light to dark, one shade a layer."""
    import seaborn
    from matplotlib.colors import to_hex

    if number == 1:
        return [to_hex(color)]
    ends = seaborn.light_palette(color, 9)[4], seaborn.dark_palette(color, 9)[4]
    return [to_hex(shade) for shade in seaborn.blend_palette([ends[0], color, ends[1]], number)]


def depth_name(depth: int) -> str:
    """`1 hidden layer`, `2 hidden layers`."""
    return f"{depth} hidden layer{'s' if depth != 1 else ''}"


def scale_name(scale: float) -> str:
    """The standard deviation of the initial weights, in units of 1 / sqrt(fan-in)."""
    return f"$\\sigma$ = {scale:g}"


def variant_lines(variant: str, width: int = 24) -> list[str]:
    """A variant in lines that are short enough for a title, broken between its settings."""
    kept_together = variant.replace(" = ", "\u00a0=\u00a0")
    lines = textwrap.wrap(kept_together, width)
    return [line.replace("\u00a0", " ") for line in lines]


def mean_and_sd(rows: pd.DataFrame, keys: Sequence[str]) -> pd.Series:
    """The column `value` over replicates as text, `mean ± sd`, indexed by the keys."""
    stats = tables.mean_over_replicates(rows, keys).set_index(list(keys))
    texts = [
        f"{mean:.3g}" if n < 2 else f"{mean:.3g} ± {sd:.2g}"
        for mean, sd, n in zip(stats["mean"], stats["sd"], stats["n"], strict=True)
    ]
    return stats["mean"].astype(object).mask(stats["n"] > 0, texts)


def zero_line(axes: Axes) -> None:
    """A thin line at zero, beneath the data."""
    axes.axhline(0, color=style.GUIDE, linewidth=0.8, zorder=1.5, gid="zero")


def _cells(rows: pd.DataFrame, keys: list[str]) -> list[tuple]:
    return sorted(rows[keys].drop_duplicates().itertuples(index=False, name=None))


def _rows(plain: pd.DataFrame) -> list[tuple[str, float, list[int]]]:
    # Variant, scale and depths of each row of panels; the variant with most panels comes first.
    found: dict[tuple, list[int]] = {}
    for variant, scale, depth in _cells(plain, ["variant", "init_scale", "depth"]):
        found.setdefault((variant, scale), []).append(depth)
    panels_of: dict[str, int] = {}
    for (variant, _), depths in found.items():
        panels_of[variant] = panels_of.get(variant, 0) + len(depths)
    order = sorted(found, key=lambda row: (-panels_of[row[0]], *row))
    return [(*row, found[row]) for row in order]


def _panel(axes: Axes, cells: pd.DataFrame, names: list[str]) -> None:
    zero_line(axes)
    _steps(axes, cells)
    if panels.all_diverged(axes, cells):
        return
    method = cells[["rule", "l2"]].iloc[0]
    color = style.method_color(method["rule"], method["l2"])
    chance = tables.metric(cells, "null_gradient_alignment", "hidden")
    if len(chance):
        _band(axes, chance, style.GUIDE, linewidth=1.3, zorder=2.6)
    together = tables.metric(cells, "gradient_alignment", "hidden")
    _band(axes, together, color, linewidth=3.6, alpha=0.35)
    for name, shade in zip(names, shades(color, len(names)), strict=True):
        rows = tables.metric(cells, "gradient_alignment", name)
        if rows.empty:  # the network is shallower
            continue
        stats = tables.mean_over_replicates(rows, ["epoch"])
        axes.plot(stats["epoch"], stats["mean"], color=shade, linewidth=1.2, zorder=3.5, gid="data")


def _controls(axes: Axes, cells: pd.DataFrame) -> None:
    zero_line(axes)
    _steps(axes, cells)
    if panels.all_diverged(axes, cells):
        return
    looks = control_looks(cells)
    for control, rows in tables.metric(cells, "gradient_alignment", "hidden").groupby("control"):
        color = style.method_color(rows["rule"].iloc[0], rows["l2"].iloc[0])
        look = looks.get(control, {"color": color, "linewidth": 2.4})
        _band(axes, rows, **look)


def _band(axes: Axes, rows: pd.DataFrame, color: str, **line: Any) -> None:
    stats = tables.mean_over_replicates(rows, ["epoch"])
    panels.band(axes, stats["epoch"], stats, color, **line)


def _steps(axes: Axes, cells: pd.DataFrame) -> None:
    axes.set_xlim(0, max(cells["epoch"].max(), 1e-9))
    panels.step_axis(axes, label=False)
    ends = tables.epochs(cells.assign(step=cells["end_step"]))
    panels.mark_diverged(axes, cells.assign(end_step=ends))


def _row_name(variant: str) -> str:
    return "\n".join([*variant_lines(variant, 22), "gradient alignment"])


def _label(drawn: dict[tuple[int, int], Axes], controls: int, rows: pd.DataFrame) -> None:
    # Names at the left of each row, and below the last panel of each column and every control.
    name = "step $t$" if (rows["batch_size"] == 0).all() else "epoch"
    for (row, column), axes in drawn.items():
        if row >= controls or row + 1 == controls or (row + 1, column) not in drawn:
            axes.set_xlabel(name)
    names = {place: axes.get_ylabel() for place, axes in drawn.items()}
    for (row, column), axes in drawn.items():
        if names.get((row, column - 1)) == names[row, column]:
            axes.set_ylabel("")


def _limit(drawn: list[Axes]) -> None:
    import numpy as np

    low = [axes.dataLim.y0 for axes in drawn if np.isfinite(axes.dataLim.y0)]
    drawn[0].set_ylim(max(-1.05, min([-0.1, *low]) - 0.05), 1.06)


def _handles(plain: pd.DataFrame, rows: pd.DataFrame) -> list[Artist]:
    handles = []
    several = len(methods(plain)) > 1
    for rule, l2 in methods(plain):
        color = style.method_color(rule, l2)
        name = f"{style.method_name(rule, l2)}, " if several else ""
        names = layers(plain)
        for layer, shade in zip(names, shades(color, len(names)), strict=True):
            handles.append(panels.key(shade, f"{name}layer {layer}", linewidth=1.4))
        label = f"{name}all hidden layers"
        handles.append(panels.key(color, label, linewidth=3.6, alpha=0.35))
    if len(tables.metric(plain, "null_gradient_alignment")):
        handles.append(panels.key(style.GUIDE, "null: unused feedback", linewidth=1.3))
    return handles or control_keys(rows)


def _any_left(rows: pd.DataFrame) -> bool:
    return (rows["status"] != "diverged").any()
