"""The sqrt(p) law of the time to align, in linear networks up to width 1e8.

Theory drawn in (ours, from the reduced equations of a linear network, large p): with
`S = y^T K^-1 y`, about n for a linear teacher, and `tau = eta*lambda*t * sqrt(S/p)`,

    u + u^3/3 = tau,    cos(beta, b) = u / sqrt(1 + u^2),

so the cosine passes 1/2 at `tau = 10 / (9 sqrt(3))`. Without decay the drift of beta towards b is
`n/p` in the mean, below the chance level `1/sqrt(p)` once `p > n^2`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from feedback_alignment.figures import marks, numbers, style

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METRICS = ("weight_alignment", "align_step")
HALF = 10.0 / (9.0 * math.sqrt(3.0))  # tau at which the cosine passes 1/2
_CELL = ["l2", "width"]
_LAW = {"color": style.INK, "linewidth": 1.1, "linestyle": marks.DOTTED}


def law(samples: float) -> tuple[np.ndarray, np.ndarray]:
    """The predicted course: `eta*lambda*t / sqrt(p)` and the cosine there, both (200,)."""
    import numpy as np

    u = np.geomspace(1e-4, 60.0, 200)
    return (u + u**3 / 3) / math.sqrt(samples), u / np.sqrt(1 + u**2)


def undecayed(table: pd.DataFrame) -> pd.DataFrame:
    """Final weight alignment at lambda = 0 by width: root mean square, mean and sd over runs."""
    import numpy as np

    rows = numbers.last(numbers.metric(table[table["l2"] == 0], "weight_alignment"))
    stats = numbers.estimate(rows, [*_variant(rows), "width"])
    square = numbers.estimate(rows.assign(value=rows["value"] ** 2), [*_variant(rows), "width"])
    return stats.assign(rms=np.sqrt(square["mean"]))


def align_time(table: pd.DataFrame) -> pd.DataFrame:
    """`eta*lambda*t` at which the cosine passes 1/2, by lambda and width.

    Returns:
        The keys, `mean`, `sd`, `low`, `high` over the replicates that reached 1/2, `n` of them,
        `of` (replicates that did not diverge) and `limit`, the largest `eta*lambda*t` that was
        simulated.
    """
    rows = table[(table["metric"] == "align_step") & (table["status"] != "diverged")]
    rows = rows[rows["l2"] > 0]
    scale = rows["eta"] * rows["l2"]
    rows = rows.assign(value=rows["value"] * scale, limit=rows["steps"] * scale)
    keys = [*_variant(rows), *_CELL]
    stats = numbers.estimate(rows[rows["value"].notna()], keys)
    groups = rows.groupby(keys, dropna=False)
    out = groups.agg(of=("replicate", "size"), limit=("limit", "first")).reset_index()
    out = out.merge(stats, on=keys, how="left")
    return out.assign(n=out["n"].fillna(0).astype(int))


def lacking(table: pd.DataFrame) -> str:
    """Why there is nothing to draw; empty if there is something."""
    if not ((table["rule"] != "bp") & table["metric"].isin(METRICS)).any():
        return "No run with random feedback in the table: set rule: fa in the experiment."
    return ""


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Time to align, measured and predicted, then the alignment without decay, by width."""
    import numpy as np
    import pandas as pd

    if reason := lacking(table):
        return numbers.nothing(reason)
    table = _with_variant(table)
    times = align_time(table)
    samples = float(table["samples"].mean())
    out = pd.DataFrame({"p": times["width"], "λ": times["l2"]})
    out["ηλt at cos = 1/2"] = times["mean"]
    out["sd"] = times["sd"]
    out["ηλt / √p"] = times["mean"] / np.sqrt(times["width"])
    out["predicted ηλt / √p"] = HALF / math.sqrt(samples)
    out["replicates that reached 1/2"] = [
        f"{n} of {of}" for n, of in zip(times["n"], times["of"], strict=True)
    ]
    out = out.set_index(["λ", "p"])
    if (table["l2"] == 0).any():
        still = undecayed(table).set_index("width")
        extra = pd.DataFrame({"rms cos": still["rms"], "mean cos": still["mean"]})
        extra["1/√p"] = np.asarray(extra.index, dtype=float) ** -0.5
        extra["n/p"] = samples / np.asarray(extra.index, dtype=float)
        extra.index = pd.MultiIndex.from_product([[0.0], extra.index], names=["λ", "p"])
        out = pd.concat([extra, out]).sort_index()
    return out


def draw(table: pd.DataFrame) -> Figure:
    """(a) alignment without decay, (b) time to align, both against width, (c) the collapse."""
    numbers.check_columns(table.columns)
    if reason := lacking(table):
        return marks.explanation(reason)
    with style.context():
        return _draw(_with_variant(table))


def _with_variant(table: pd.DataFrame) -> pd.DataFrame:
    rows = table[table["rule"] != "bp"]
    return rows.assign(variant=numbers.variants(rows, _CELL))


def _draw(table: pd.DataFrame) -> Figure:
    variants = sorted(table["variant"].unique())
    decayed = table["l2"] > 0
    # A panel keeps its place and letter, which the caption names, whether or not it has data.
    content = [
        ("(a) no decay", _still, "weight_alignment", table[~decayed]),
        ("(b) time to align", _times, "align_step", table[decayed]),
        ("(c) collapse", _collapse, "weight_alignment", table[decayed]),
    ]
    figure, (row,) = marks.grid(1, len(content), 2.6)
    for axes, (name, painter, metric, rows) in zip(row, content, strict=True):
        marks.title(axes, name, note=marks.diverged_note(rows, table))
        reason = _lacking_panel(rows, metric, "λ > 0" if painter is not _still else "λ = 0")
        if reason:
            marks.say_missing(axes, reason)
        elif marks.all_diverged(axes, rows):
            marks.width_axis(axes, rows["width"])
            axes.set_yticks([])
        else:
            painter(axes, rows, variants)
    handles = [
        marks.key(style.l2_color(x), style.l2_name(x), marker="o")
        for x in sorted(table["l2"].unique())
    ]
    if not decayed.all():
        handles.append(marks.guide_key("chance, $1/\\sqrt{p}$"))
    handles.append(marks.key(label="theory, no free parameter", **_LAW))
    if len(variants) > 1:
        looks = enumerate(variants)
        handles += [marks.key(style.GUIDE, v, linestyle=marks.dash(i)) for i, v in looks]
    marks.legend(figure, handles)
    return figure


def _lacking_panel(rows: pd.DataFrame, metric: str, decay: str) -> str:
    if rows.empty:
        value = "0" if decay == "λ = 0" else "a positive number"
        return (
            f"No run with {decay} in the table: set l2 to {value} in the experiment, or sweep it."
        )
    if metric == "weight_alignment" and decay == "λ > 0":
        return numbers.lacking_metrics(rows, metric) or numbers.lacking_steps(rows)
    return numbers.lacking_metrics(rows, metric)


def _still(axes: Axes, rows: pd.DataFrame, variants: list[str]) -> None:
    import numpy as np

    color = style.l2_color(0.0)
    final = numbers.last(numbers.metric(rows, "weight_alignment"))
    axes.plot(
        final["width"], final["value"].abs(), ".", color=color, markersize=3.5, alpha=0.35,
        markeredgewidth=0, zorder=2, gid="replicates",
    )  # fmt: skip

    def line(part, dashes):
        look = {"color": color, "linestyle": dashes, "marker": "o", "gid": "data", "zorder": 3}
        axes.plot(part["width"], part["rms"], **look)

    sizes = undecayed(rows)
    _each(sizes, variants, line)
    widths = np.array([rows["width"].min(), rows["width"].max()], dtype=float)
    marks.width_axis(axes, rows["width"])
    chance = {"color": style.GUIDE, "linewidth": 1.1, "linestyle": marks.DASHED, "gid": "guide"}
    axes.plot(widths, widths**-0.5, **chance)
    samples = rows["samples"].mean()
    if widths[-1] > 10 * samples:
        wide = np.geomspace(max(widths[0], 10 * samples), widths[-1], 50)
        axes.plot(wide, np.sqrt(1 / wide + (samples / wide) ** 2), zorder=4, gid="theory", **_LAW)
    axes.set_ylabel("|cos($\\beta$, $b$)| at $\\lambda$ = 0")
    axes.set_yscale("log")
    axes.set_ylim(min(0.1 * widths[-1] ** -0.5, 0.5 * sizes["rms"].min()), 1.3)
    marks.decades(axes)


def _times(axes: Axes, rows: pd.DataFrame, variants: list[str]) -> None:
    import numpy as np

    times = align_time(rows)
    for order, (l2, curve) in enumerate(times.groupby("l2")):
        # Where the decays coincide, the earlier ones show as rings around the later.
        size = max(3.0, 7.5 - 2.5 * order)
        color = style.l2_color(l2)
        complete = curve.assign(
            **{c: curve[c].where(curve["n"] == curve["of"]) for c in ("mean", "low", "high")}
        )

        def line(part, dashes, color=color, size=size):
            look = {"linestyle": dashes, "marker": "o", "markersize": size}
            marks.band(axes, part["width"], part, color, **look)

        _each(complete, variants, line)
        short = curve[curve["n"] < curve["of"]]
        axes.plot(
            short["width"], short["limit"], linestyle="none", marker="^", markerfacecolor="white",
            markeredgecolor=color, markersize=5, zorder=4, gid="unreached",
        )  # fmt: skip
        for _, cell in short[short["n"] > 0].iterrows():
            axes.annotate(
                f"{cell['n']}/{cell['of']}", (cell["width"], cell["limit"]), (0, 5),
                textcoords="offset points", ha="center", fontsize=6.5, color=color,
            )  # fmt: skip
    widths = np.array([rows["width"].min(), rows["width"].max()], dtype=float)
    predicted = HALF * np.sqrt(widths / rows["samples"].mean())
    axes.plot(widths, predicted, zorder=4, gid="guide", **_LAW)
    marks.width_axis(axes, rows["width"])
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.set_ylim(low / 1.3, high * 1.6)
    marks.decades(axes)
    axes.set_ylabel("$\\eta\\lambda t$ when cos($\\beta$, $b$) = ½")


def _collapse(axes: Axes, rows: pd.DataFrame, variants: list[str]) -> None:
    import numpy as np

    values = numbers.metric(rows, "weight_alignment")
    values = values[values["step"] > 0]
    stats = numbers.estimate(values, ["variant", "l2", "eta", "width", "step"])
    widths = sorted(stats["width"].unique())
    start = 1.0
    for (l2, eta, width), curve in stats.groupby(["l2", "eta", "width"]):
        # The narrower, the paler.
        depth = (widths.index(width) + 1) / len(widths)
        scale = eta * l2 / math.sqrt(width)

        def line(part, dashes, l2=l2, scale=scale, depth=depth):
            axes.plot(
                part["step"] * scale, part["mean"], color=style.l2_color(l2), linestyle=dashes,
                linewidth=1.1, alpha=0.25 + 0.65 * depth, zorder=3, gid="data",
            )  # fmt: skip

        _each(curve, variants, line)
        first = curve.loc[curve["mean"] > 0.02, "step"]
        start = min(start, float(first.min() * scale) if len(first) else 1.0)
    x, y = law(rows["samples"].mean())
    axes.plot(x, y, zorder=4, gid="guide", **_LAW)
    end = float((stats["step"] * stats["eta"] * stats["l2"] / np.sqrt(stats["width"])).max())
    axes.set_xscale("log")
    axes.set_xlim(min(max(1e-3, start), end / 10), end)
    marks.decades(axes, "x")
    axes.set_ylim(min(-0.05, 1.1 * stats["mean"].min()), 1.02)
    axes.set_xlabel("$\\eta\\lambda t\\,/\\,\\sqrt{p}$")
    axes.set_ylabel("weight alignment cos($\\beta$, $b$)")


def _each(rows: pd.DataFrame, variants: list[str], draw: Callable) -> None:
    """Call `draw(rows of the variant, dash pattern)` for every variant present."""
    for index, variant in enumerate(variants):
        part = rows[rows["variant"] == variant]
        if len(part):
            draw(part, marks.dash(index))


def _variant(rows: pd.DataFrame) -> list[str]:
    return ["variant"] if "variant" in rows else []
