"""The sqrt(p) law of the time to align, in linear networks up to width 1e8.

Theory drawn in (ours, docs/findings.md): with decay the course that the tables hold as `law_...`,
training with the expected Gram matrix of the initial vectors, mean over the replicates. Without
decay the drift of beta towards b is `n/p` in the mean, below the chance level `1/sqrt(p)` once
`p > n^2`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from feedback_alignment.figures import marks, numbers, style

_CURVES = 4  # widths whose courses are drawn
METRICS = ("weight_alignment", "align_step", "law_alignment", "law_align_step")


def lacking(table: pd.DataFrame) -> str:
    """Why there is nothing to draw; empty if there is something."""
    if not ((table["rule"] != "bp") & table["metric"].isin(METRICS)).any():
        return "No run with random feedback in the table: set rule: fa in the experiment."
    return ""


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Time to align, measured and predicted, then the alignment without decay, by width."""
    if reason := lacking(table):
        return numbers.nothing(reason)
    table = _with_variant(table)
    times = _align_time(table)
    samples = float(table["samples"].mean())
    out = pd.DataFrame({"p": times["width"], "λ": times["l2"]})
    out["ηλt at cos = 1/2"], out["sd"] = times["mean"], times["sd"]
    out["by the law"], out["measured / law"] = times["law"], times["ratio"]
    out["its sd"], out["√(9.86/p)"] = times["ratio_sd"], np.sqrt(9.86 / times["width"])
    reached = zip(times["n"], times["of"], strict=True)
    out["replicates that reached 1/2"] = [f"{n} of {of}" for n, of in reached]
    out = out.set_index(["λ", "p"])
    if (table["l2"] == 0).any():
        still = _undecayed(table)
        p = still["width"].astype(float)
        extra = {"rms cos": still["rms"], "mean cos": still["mean"], "1/√p": p**-0.5}
        extra = pd.DataFrame(extra | {"n/p": samples / p, "λ": 0.0, "p": still["width"]})
        out = pd.concat([extra.set_index(["λ", "p"]), out]).sort_index()
    return out


@marks.drawing(lacking)
def draw(table: pd.DataFrame) -> Figure:
    """(a) alignment without decay, (b) time to align, both against width, (c) the collapse."""
    table = _with_variant(table)
    decayed = table["l2"] > 0
    # A panel keeps its place and letter, which the caption names, whether or not it has data.
    content = (
        ("(a) no decay", _still, "weight_alignment", table[~decayed]),
        ("(b) time to align", _times, "align_step", table[decayed]),
        ("(c) collapse", _collapse, "weight_alignment", table[decayed]),
    )
    figure, (row,) = marks.grid(1, len(content), 2.2)
    for axes, (name, painter, metric, rows) in zip(row, content, strict=True):
        marks.title(axes, name, "", marks.diverged_note(rows, table))
        axes.set_xlabel("width $p$")
        reason = numbers.lacking_metrics(rows, metric)
        if rows.empty:
            decay, value = ("λ = 0", "0") if painter is _still else ("λ > 0", "a positive number")
            reason = f"No run with {decay} in the table: "
            reason += f"set l2 to {value} in the experiment, or sweep it."
        elif painter is _collapse:
            reason = reason or numbers.lacking_steps(rows)
        if reason:
            marks.say_missing(axes, reason)
        elif marks.all_diverged(axes, rows):
            marks.width_axis(axes, rows["width"])
            axes.set_yticks([])
        else:
            painter(axes, rows)
    decays = sorted(table["l2"].unique())
    handles = [marks.key(style.l2_color(x), style.l2_name(x), marker="o") for x in decays]
    if not decayed.all():
        handles.append(marks.guide_key("chance, $1/\\sqrt{p}$"))
    handles.append(marks.key(label="theory, no free parameter", **style.THEORY))
    variants = table["variant"].cat.categories
    if len(variants) > 1:
        looks = enumerate(variants)
        handles += [marks.key(style.GUIDE, v, linestyle=style.variant(i)) for i, v in looks]
    marks.legend(figure, handles)
    return figure


def _with_variant(table: pd.DataFrame) -> pd.DataFrame:
    rows = table[table["rule"] != "bp"]
    return rows.assign(variant=numbers.variants(rows, ["l2", "width"]).astype("category"))


def _look(part: pd.DataFrame, l2: float = 0.0) -> dict[str, Any]:
    """Colour of a decay, and dashes of the variant that the rows are of."""
    dashes = style.variant(part["variant"].cat.codes.iloc[0])
    return {"color": style.l2_color(l2), "linestyle": dashes}


def _undecayed(table: pd.DataFrame) -> pd.DataFrame:
    """Final weight alignment at lambda = 0 by width: root mean square, mean and sd over runs."""
    rows = numbers.last(numbers.metric(table[table["l2"] == 0], "weight_alignment"))
    keys = ["variant", "width"]
    square = numbers.estimate(rows.assign(value=rows["value"] ** 2), keys)
    return numbers.estimate(rows, keys).assign(rms=np.sqrt(square["mean"]))


def _align_time(table: pd.DataFrame) -> pd.DataFrame:
    """`eta*lambda*t` at which the cosine passes 1/2, over the `n` replicates that reached it.

    There are `of` of them that did not diverge; up to `limit` was simulated. Beside them `law`, the
    mean of what the law predicts, if it does for all, and the `ratio` of each replicate to its own.
    """
    rows = table[(table["metric"] == "align_step") & (table["status"] != "diverged")]
    rows = rows[rows["l2"] > 0]
    law = table[table["metric"] == "law_align_step"].set_index(numbers.REPLICATE)["value"]
    rows = rows.join(law.rename("law"), on=numbers.REPLICATE)
    scale, ratio = rows["eta"] * rows["l2"], rows["value"] / rows["law"]
    rows = rows.assign(ratio=ratio, limit=rows["steps"] * scale)
    rows[["value", "law"]] = rows[["value", "law"]].mul(scale, axis=0)
    keys = ["variant", "l2", "width"]
    columns = {"of": ("replicate", "size"), "limit": ("limit", "first")}
    columns |= {"ratio": ("ratio", "mean"), "ratio_sd": ("ratio", "std")}
    columns |= {"law": ("law", lambda times: times.mean(skipna=False))}
    out = rows.groupby(keys, observed=True).agg(**columns).reset_index()
    out = out.merge(numbers.estimate(rows[rows["value"].notna()], keys), on=keys, how="left")
    return out.assign(n=out["n"].fillna(0).astype(int))


def _still(axes: Axes, rows: pd.DataFrame) -> None:
    final = numbers.last(numbers.metric(rows, "weight_alignment"))
    look = {"color": style.l2_color(0.0), "markersize": 3.5, "markeredgewidth": 0, "alpha": 0.35}
    axes.plot(final["width"], final["value"].abs(), ".", zorder=2, gid="replicates", **look)
    sizes = _undecayed(rows)
    for _, part in sizes.groupby("variant", observed=True):
        axes.plot(part["width"], part["rms"], marker="o", gid="data", zorder=3, **_look(part))
    widths = np.array([rows["width"].min(), rows["width"].max()], dtype=float)
    marks.width_axis(axes, rows["width"])
    marks.guide(axes, widths, widths**-0.5, zorder=2)
    samples = rows["samples"].mean()
    if widths[-1] > 10 * samples:
        wide = np.geomspace(max(widths[0], 10 * samples), widths[-1], 50)
        drift = np.sqrt(1 / wide + (samples / wide) ** 2)
        marks.guide(axes, wide, drift, gid="theory", **style.THEORY)
    axes.set_ylabel("|cos($\\beta$, $b$)| at $\\lambda$ = 0")
    axes.set_yscale("log")
    axes.set_ylim(min(0.1 * widths[-1] ** -0.5, 0.5 * sizes["rms"].min()), 1.3)
    marks.decades(axes)


def _times(axes: Axes, rows: pd.DataFrame) -> None:
    times = _align_time(rows)
    for _, curve in times[times["law"].notna()].groupby(["variant", "l2"], observed=True):
        marks.guide(axes, curve["width"], curve["law"], gid="theory", **style.THEORY)
    for order, (l2, curve) in enumerate(times.groupby("l2")):
        complete = curve["n"] == curve["of"]
        for _, part in curve.groupby("variant", observed=True):
            part = part.assign(**part[["mean", "low", "high"]].where(complete, axis=0))
            # Where the decays coincide, the earlier ones show as rings around the later.
            look = {"marker": "o", "markersize": max(3.0, 7.5 - 2.5 * order)}
            marks.band(axes, part["width"], part, **_look(part, l2), **look)
        short, color = curve[~complete], style.l2_color(l2)
        look: dict[str, Any] = {"markersize": 5, "markerfacecolor": "white", "zorder": 4}
        look |= {"markeredgecolor": color, "gid": "unreached"}
        axes.plot(short["width"], short["limit"], "^", **look)
        for cell in short[short["n"] > 0].itertuples():
            at = cell.width, cell.limit
            marks.remark(axes, f"{cell.n}/{cell.of}", at, "data", (0, 5), color, ha="center")
    marks.width_axis(axes, rows["width"])
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.set_ylim(low / 1.3, high * 1.6)
    marks.decades(axes)
    axes.set_ylabel("$\\eta\\lambda t$ when cos($\\beta$, $b$) = ½")


def _collapse(axes: Axes, rows: pd.DataFrame) -> None:
    # Those of several decays would lie on one another, and few widths tell as much as many.
    rows = rows[rows["l2"] == rows.groupby("width")["l2"].transform("max")]
    widths = sorted(rows["width"].unique())
    rows = rows[rows["width"].isin(widths[:: -(-len(widths) // _CURVES)])]
    stats, law = _courses(rows, "weight_alignment"), _courses(rows, "law_alignment")
    colors = style.width_colors(stats["width"])
    for (width, _, _), part in stats.groupby(["width", "eta", "variant"], observed=True):
        look = _look(part) | {"color": colors[width], "linewidth": 2.2}
        axes.plot(part["slow"], part["mean"], zorder=3, gid="data", **look)
    for _, part in law.groupby(["eta", "width", "variant"], observed=True):
        marks.guide(axes, part["slow"], part["mean"], gid="theory", **style.THEORY)
    sizes = [marks.key(color, style.label("width", p)) for p, color in colors.items()]
    marks.inner_legend(axes, sizes, loc="upper left")
    start = min(1.0, stats.loc[stats["mean"] > 0.02, "slow"].min())
    end = stats["slow"].max()
    axes.set_xscale("log")
    axes.set_xlim(min(max(1e-3, start), end / 10), end)
    marks.decades(axes, "x")
    axes.set_ylim(min(-0.05, 1.1 * stats["mean"].min()), 1.02)
    axes.set_xlabel("$\\eta\\lambda t\\,/\\,\\sqrt{p}$")
    axes.set_ylabel("weight alignment cos($\\beta$, $b$)")


def _courses(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Mean of an alignment over replicates at `slow` = eta*lambda*t / sqrt(p), step 0 left out."""
    values = numbers.metric(rows, metric)
    stats = numbers.estimate(values[values["step"] > 0], ["l2", "eta", "width", "variant", "step"])
    return stats.assign(slow=stats["step"] * stats["eta"] * stats["l2"] / np.sqrt(stats["width"]))
