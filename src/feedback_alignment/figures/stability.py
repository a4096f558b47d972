"""chu_stability: a minimum holds under feedback that is aligned with its weights (Chu 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedback_alignment.plotting import interventions, panels, style, tables

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METRICS = (
    "K_real",
    "K_imag",
    "stability_ratio",
    "gradient_alignment",
    "loss",
    "loss_rise",
)
#: Below this loss, errors are rounding and cosines mean nothing.
ROUNDING = 1e-20

# One hue for networks of another width, far from the blue of FA and from the angles' colours.
_WIDE = ("#f7b267", "#8f4a00")
_MARKERS = {"tied": "o", "random": "D", "own": "^", "fresh": "v"}
_RANDOM_AT = 112.0  # place of random feedback on the axis of angles,
_APART = 9.0  # and how far the next width is from it
_COLUMNS = 4  # of the legend, where the page is wide enough


def lacking(table: pd.DataFrame) -> str:
    """Why there is nothing to draw; empty if there is something."""
    if not len(table):
        return tables.lacking_metrics(table, "loss_rise")
    if interventions.some(table):
        return ""
    return (
        "No run in the table in which something happens to a trained network: set switch_step and "
        "switch_rule, redraw_step or perturb_step above 0 in the experiment."
    )


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """By kind of run, width and angle: r, alignment, rise of the loss, share that stays."""
    import numpy as np
    import pandas as pd

    runs = interventions.replicates(interventions.select(table))
    out = []
    for kind in interventions.KINDS:
        here = runs[runs["kind"] == kind]
        for (width, angle), cell in here.groupby(["width", "tie_angle"]):
            judged = cell["stays"].dropna()
            share, low, high = _share(judged)
            rise = cell["rise"][cell["rise"] > 0]
            out.append(
                {
                    "run": _name(kind, _rule(runs)),
                    "angle": f"{angle:g}°" if kind == "tied" else "",
                    "p": width,
                    "replicates": len(cell),
                    "r": cell["ratio"].mean(),
                    "sd of r": cell["ratio"].std(),
                    "cos(g_BP, g_FA)": cell["alignment"].mean(),
                    "sd of cos": cell["alignment"].std(),
                    "loss rises": np.exp(np.log(rise).mean()) if len(rise) else np.nan,
                    "stay": share,
                    "stay, low": low,
                    "stay, high": high,
                }
            )
    return pd.DataFrame(out).set_index(["run", "angle", "p"])


def draw(table: pd.DataFrame) -> Figure:
    """Spectra of K_FA (above); loss, alignment, who stays, and alignment against rise (below)."""
    rows = interventions.select(table)
    runs = interventions.replicates(rows)
    figure, (upper, lower) = panels.grid(2, 4, 2.35)
    _link(upper)
    replicates = [
        _spectrum(axes, rows, runs, kind, letter)
        for axes, kind, letter in zip(upper, interventions.KINDS, "abcd", strict=False)
    ]
    shown = [axes for axes in upper if axes.axison]
    for axes in shown[:1]:
        axes.set_ylabel("Im of an eigenvalue of $K$")
        axes.tick_params(labelleft=True)
    _limit_spectra(upper)
    _losses(lower[0], rows)
    _path(lower[1], rows)
    _shares(lower[2], runs)
    _criterion(lower[3], runs)
    _legend(figure, _keys(rows, runs, replicates))
    remarks = [interventions.own_step_size(rows), interventions.left_out(table, rows)]
    if (runs["kind"] == "tied").any():
        remarks.insert(0, "Circles in (h) have the colours of the angles in (g).")
    panels.footnote(figure, " ".join(filter(None, remarks)))
    return figure


def _share(stays: pd.Series) -> tuple[float, float, float]:
    """Share that stays and its Clopper-Pearson 95 % interval; NaN without replicates."""
    from scipy.stats import binomtest

    if not len(stays):
        return (float("nan"),) * 3
    number = int(stays.sum())
    interval = binomtest(number, len(stays)).proportion_ci(0.95, method="exact")
    return number / len(stays), float(interval.low), float(interval.high)


def _rule(rows: pd.DataFrame) -> str:
    """Legend name of the rule that uses the feedback."""
    for name in ("switch_rule", "rule"):
        others = [rule for rule in rows[name].dropna().unique() if rule not in ("", "bp")]
        if others:
            return style.method_name(others[0], 0)
    return "FA"


def _name(kind: str, rule: str) -> str:
    return {
        "random": "BP minimum, random feedback",
        "own": f"{rule} minimum, own feedback",
        "fresh": f"{rule} minimum, fresh feedback",
        "tied": "BP minimum, feedback at an angle",
        "control": "BP minimum, BP goes on",
    }[kind]


def _say_none(axes: Axes, cells: pd.DataFrame, kind: str, metrics: str, wrap: int = 28) -> None:
    """Say why a panel has nothing to show: no such run, all diverged, or no such metric."""
    if cells.empty:
        reason = f"No such run in the table: set {interventions.KINDS[kind]} in the experiment."
    elif (cells["status"] == "diverged").all():
        number = len(tables.replicates(cells))
        reason = f"All {number} replicates diverged."
    else:
        reason = f"No {metrics} in the table."
    panels.say_missing(axes, reason, wrap=wrap)
    axes.set_axis_off()  # a panel that shares its axes keeps their ticks otherwise


def _angle_color(angle: float) -> str:
    import seaborn
    from matplotlib.colors import to_hex

    # The pale end of the scale cannot be seen on white.
    return to_hex(seaborn.color_palette("viridis", as_cmap=True)(0.88 * min(angle, 90.0) / 90.0))


def _spectrum(
    axes: Axes, rows: pd.DataFrame, runs: pd.DataFrame, kind: str, letter: str
) -> int | None:
    """Eigenvalues of one replicate before and at the intervention; returns the replicate."""
    of_kind = rows[(rows["kind"] == kind) & ~rows["wide"]]
    cell = runs[(runs["kind"] == kind) & ~runs["wide"]]
    if kind == "tied" and len(cell):
        least = cell["tie_angle"].min()
        of_kind, cell = of_kind[of_kind["tie_angle"] == least], cell[cell["tie_angle"] == least]
        name = f"BP minimum,\nfeedback at {least:g}°"
    else:
        name = _name(kind, _rule(rows)).replace(", ", ",\n")
        name = "BP minimum,\ntied feedback" if kind == "tied" else name
    axes.set_title(f"({letter}) {name}", loc="left", pad=15.0)
    parts = of_kind[of_kind["metric"].isin(["K_real", "K_imag"]) & of_kind["value"].notna()]
    parts = parts[(parts["step"] - parts["moment"]).isin([-1, 0])]
    if parts.empty or cell.empty:
        wanted = "eigenvalues (spectrum: true, eigenvalues: true)"
        _say_none(axes, of_kind, kind, wanted, wrap=24)
        return None
    ratio = cell["ratio"].dropna()
    if len(ratio):
        of = f", mean of {len(ratio)} replicates" if len(ratio) > 1 else ""
        axes.annotate(
            f"$r$ = {_signed(ratio.mean())}{of}", (0, 1), (0, 5), "axes fraction",
            "offset points", fontsize=7.5, gid="ratio",
        )  # fmt: skip
    replicate = int(parts["replicate"].min())
    one = parts[parts["replicate"] == replicate]
    values = one.pivot_table("value", ["step", "layer"], "metric").dropna().reset_index()
    moment = one["moment"].iloc[0]
    before, now = values[values["step"] < moment], values[values["step"] == moment]
    axes.axvspan(-1e9, 0, color=style.ALERT, alpha=0.06, linewidth=0, zorder=0)
    axes.axvline(0, color=style.INK, linewidth=0.8, zorder=1)
    look = {"linestyle": "none", "zorder": 3}
    axes.plot(
        before["K_real"], before["K_imag"], "o", markersize=4.2, markerfacecolor="none",
        markeredgecolor="#b4b8be", markeredgewidth=0.7, gid="before", **look,
    )  # fmt: skip
    for those, color, gid in (
        (now["K_real"] >= 0, style.rule_color("fa"), "data"),
        (now["K_real"] < 0, style.ALERT, "unstable"),
    ):
        axes.plot(
            now.loc[those, "K_real"], now.loc[those, "K_imag"], "o", markersize=2.4, color=color,
            markeredgewidth=0, gid=gid, **look,
        )  # fmt: skip
    axes.set_xlabel("Re of an eigenvalue of $K$")
    return replicate


def _signed(value: float) -> str:
    text = f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.1g}"
    return text.replace("-", "\N{MINUS SIGN}")


def _link(row: list[Axes]) -> None:
    for axes in row[1:]:
        axes.sharex(row[0])
        axes.sharey(row[0])
        axes.tick_params(labelleft=False)


def _limit_spectra(row: list[Axes]) -> None:
    """Logarithmic on both sides of zero: spectra span decades, and what counts lies around it."""
    import numpy as np
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    drawn = [line for axes in row for line in axes.get_lines() if line.get_gid() is not None]
    if not drawn:
        return
    reach = []
    for values in (
        np.concatenate([np.asarray(line.get_xdata(), dtype=float) for line in drawn]),
        np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in drawn]),
    ):
        reach.append((values.min(), values.max()))
    largest = max(abs(end) for ends in reach for end in ends)
    # Two decades each way, and zero in the middle.
    edge = 10.0 ** (np.floor(np.log10(largest)) - 2) if largest > 0 else 1.0
    decades = [edge * 10.0**k for k in range(1, 4)]
    ticks = [-x for x in reversed(decades)] + [0.0] + decades
    for axes in row:
        if not axes.axison:
            continue
        for which, (low, high) in zip("xy", reach, strict=True):
            getattr(axes, f"set_{which}scale")("symlog", linthresh=edge, linscale=0.6)
            axis = getattr(axes, f"{which}axis")
            axis.set_major_locator(FixedLocator(ticks))
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}".replace("-", "\u2212")))
            ends = min(1.6 * low, -2 * edge), max(1.6 * high, 2 * edge)
            getattr(axes, f"set_{which}lim")(*ends)


def _losses(axes: Axes, rows: pd.DataFrame) -> None:
    """Loss after the intervention over that at it: a thin line a replicate, thick their mean."""
    panels.title(axes, "(e) loss")
    cells = rows[rows["kind"].isin(["random", "control"])]
    loss = cells[(cells["metric"] == "loss") & (cells["step"] >= cells["moment"])]
    loss = loss[loss["value"] > 0]
    if loss.empty:
        _say_none(axes, cells, "random", "loss after the intervention")
        return
    at = loss[loss["step"] == loss["moment"]].set_index(tables.REPLICATE)["value"]
    starts = at.reindex(loss.set_index(tables.REPLICATE).index).to_numpy()
    loss = loss.assign(value=loss["value"] / starts, since=loss["step"] - loss["moment"])
    loss = loss[loss["value"].notna()]
    for (_, width), part in loss.groupby(["kind", "width"]):
        color, dashes = _look(part)
        for _, run in part.sort_values("since").groupby("replicate"):
            axes.plot(
                run["since"], run["value"], color=color, linewidth=0.5, alpha=0.35, zorder=2,
                gid="replicate",
            )  # fmt: skip
        kept = part[part["status"] != "diverged"]
        stats = tables.mean_over_replicates(kept, ["since"], geometric=True)
        axes.plot(
            stats["since"], stats["mean"], color=color, linestyle=dashes, linewidth=1.9, zorder=4,
            gid="data", label=f"{width}",
        )  # fmt: skip
        for _, run in part[part["status"] == "diverged"].groupby("replicate"):
            last = run.sort_values("since").iloc[-1]
            axes.plot(
                last["since"], last["value"], "x", color=color, markersize=5, markeredgewidth=1.3,
                zorder=5, gid="diverged",
            )  # fmt: skip
    axes.axhline(
        interventions.STAYS, color=style.GUIDE, linewidth=0.9, linestyle=(0, (1.4, 1.4)), zorder=1
    )
    axes.set_ylim(loss["value"].min() / 3, max(loss["value"].max(), interventions.STAYS) * 3)
    panels.decades(axes)
    _since_axis(axes)
    axes.set_ylabel("loss / loss at the intervention")
    _count_diverged(axes, cells)


def _since_axis(axes: Axes) -> None:
    """Steps from the intervention on: logarithmic from 1, since most happens at once."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    shown = [line.get_xdata() for line in axes.get_lines() if line.get_gid() is not None]
    last = max((max(steps) for steps in shown if len(steps)), default=1)
    axes.set_xscale("symlog", linthresh=1, linscale=0.6)
    axes.set_xlim(-0.3, max(last, 1) * 1.3)
    powers = range(0, len(str(int(last))), 1 if last < 1000 else 2)
    axes.xaxis.set_major_locator(FixedLocator([0, *(10**power for power in powers)]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: _power(x)))
    axes.set_xlabel("steps after the intervention")


def _power(step: float) -> str:
    """0, 1, 10, and powers of ten beyond."""
    return f"{step:g}" if step < 100 else f"$10^{{{len(str(int(step))) - 1}}}$"


def _path(axes: Axes, rows: pd.DataFrame) -> None:
    """Alignment along the way after the switch, where the loss is above rounding."""
    panels.title(axes, "(f) alignment")
    cells = rows[rows["kind"] == "random"]
    after = cells[cells["step"] >= cells["moment"]]
    cosine = tables.metric(after, "gradient_alignment", "hidden")
    keys = [*tables.REPLICATE, "step"]
    loss = tables.metric(after, "loss").set_index(keys)["value"]
    rounding = loss.reindex(cosine.set_index(keys).index).to_numpy() <= ROUNDING
    cosine = cosine.assign(since=cosine["step"] - cosine["moment"])[~rounding]
    if cosine.empty:
        _say_none(axes, cells, "random", "gradient_alignment where the loss is above rounding")
        return
    for _, part in cosine.groupby("width"):
        color, dashes = _look(part)
        stats = tables.mean_over_replicates(part, ["since"])
        panels.band(axes, stats["since"], stats, color, linestyle=dashes)
    axes.axhline(0, color=style.GUIDE, linewidth=0.9, zorder=1)
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, -0.2), max(high, 0.2))
    _since_axis(axes)
    axes.set_ylabel("gradient alignment,\nhidden layers")


def _shares(axes: Axes, runs: pd.DataFrame) -> None:
    """Share of replicates that stay against the angle of the feedback, and for random feedback."""
    panels.title(axes, "(g) share that stays")
    cells = runs[runs["kind"].isin(["tied", "random"])]
    judged = cells[cells["stays"].notna()]
    if judged.empty:
        _say_none(axes, cells, "tied", "loss_rise")
        return
    ticks = {0: "0", 30: "30", 60: "60", 90: "90"}
    places = sorted(judged.loc[judged["kind"] == "random", "rank"].unique())
    for rank, at_width in judged.groupby("rank"):
        color, dashes = _look(at_width)
        tied = [
            (angle, *_share(cell["stays"]), _angle_color(angle))
            for angle, cell in at_width[at_width["kind"] == "tied"].groupby("tie_angle")
        ]
        if tied:
            axes.plot(
                [x[0] for x in tied], [x[1] for x in tied], color=style.GUIDE, linewidth=1.1,
                linestyle=dashes, zorder=2, gid="data",
            )  # fmt: skip
        for angle, share, low, high, shade in tied:
            _bar(axes, angle, share, low, high, shade, "s" if rank else "o")
        random = at_width[at_width["kind"] == "random"]
        if len(random):
            place = _RANDOM_AT + _APART * places.index(rank)
            _bar(axes, place, *_share(random["stays"]), color, "s" if rank else "D")
    right = 96.0
    if places:
        # The widths stand in the legend; below the bars there is no room for them.
        last = _RANDOM_AT + _APART * (len(places) - 1)
        ticks[(_RANDOM_AT + last) / 2] = "random"
        right = max(last + 8.0, (_RANDOM_AT + last) / 2 + 20.0)
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.set_xlim(-6, right)
    axes.set_ylim(-0.04, 1.06)
    axes.set_xlabel("angle of the feedback, degrees")
    axes.set_ylabel("share of replicates")


def _bar(
    axes: Axes, x: float, share: float, low: float, high: float, color: str, marker: str
) -> None:
    axes.errorbar(
        [x], [share], yerr=[[share - low], [high - share]], color=color, marker=marker,
        markersize=4.2, elinewidth=1.0, linestyle="none", zorder=3, gid="share",
    )  # fmt: skip


def _criterion(axes: Axes, runs: pd.DataFrame) -> None:
    """A point a replicate: alignment at the intervention and the rise of the loss after it."""
    panels.title(axes, "(h) alignment and loss")
    cells = runs[runs["kind"] != "control"]
    runs = cells[cells["alignment"].notna()]
    shown = runs[runs["rise"] > 0]
    if shown.empty:
        _say_none(axes, cells, "tied", "loss_rise with gradient_alignment")
        return
    for _, part in shown.groupby(["kind", "rank", "tie_angle"]):
        color, marker, face = _mark(part)
        axes.plot(
            part["alignment"], part["rise"], marker, color=color, markersize=3.6, alpha=0.85,
            markerfacecolor=face, markeredgewidth=0.8, linestyle="none", zorder=3, gid="data",
        )  # fmt: skip
    axes.axhline(
        interventions.STAYS, color=style.GUIDE, linewidth=0.9, linestyle=(0, (1.4, 1.4)), zorder=1
    )
    axes.set_ylim(
        min(0.5, shown["rise"].min() / 2), max(shown["rise"].max(), interventions.STAYS) * 5
    )
    panels.decades(axes)
    for _, part in runs[runs["status"] == "diverged"].groupby(["kind", "rank", "tie_angle"]):
        axes.plot(
            part["alignment"], [0.97] * len(part), "x", color=_mark(part)[0],
            markersize=5, markeredgewidth=1.3, transform=axes.get_xaxis_transform(), zorder=5,
            gid="diverged",
        )  # fmt: skip
    axes.set_xlim(min(-0.1, runs["alignment"].min() - 0.05), 1.05)
    axes.set_xlabel("gradient alignment, hidden\nlayers, at the intervention")
    axes.set_ylabel("loss rises by a factor of")


def _wide_color(shade: float) -> str:
    """Light to dark as `shade` goes from 0 to 1."""
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    return to_hex(LinearSegmentedColormap.from_list("wide", _WIDE)(float(shade)))


def _mark(part: pd.DataFrame) -> tuple[str, str, str]:
    """Colour, marker and face of the runs of one kind, width and angle, a point a replicate."""
    one = part.iloc[0]
    marker = "s" if one["wide"] else _MARKERS[one["kind"]]
    if one["kind"] == "tied":
        color = _angle_color(one["tie_angle"])
    elif one["kind"] == "random":
        color = _look(part)[0]
    else:
        return style.INK, marker, "none"
    return color, marker, color


def _look(part: pd.DataFrame) -> tuple[str, object]:
    """Colour and dashes of the runs of one kind and width."""
    one = part.iloc[0]
    if one["kind"] == "control":
        return style.rule_color("bp"), panels.dash(1 + one["rank"]) if one["wide"] else "-"
    color = _wide_color(one["shade"]) if one["wide"] else style.rule_color("fa")
    return color, panels.dash(one["rank"])


def _count_diverged(axes: Axes, cells: pd.DataFrame) -> None:
    note = panels.diverged_note(cells, cells)
    if note:
        axes.annotate(
            note, (0.98, 0.02), xycoords="axes fraction", ha="right", color=style.ALERT,
            fontsize=6.5, gid="note",
        )  # fmt: skip


def _of_width(width: int, rows: pd.DataFrame) -> str:
    """`, p = 64`; empty where every network is as wide."""
    return f", $p$ = {style.count(width)}" if rows["width"].nunique() > 1 else ""


def _legend(figure: Figure, handles: list) -> None:
    """The legend in as many columns as fit; the panels keep their height however long it is."""
    # A letter takes about 0.062 inches, and the line before it and the gap 0.6.
    widths = [0.6 + 0.062 * len(handle.get_label().replace("$", "")) for handle in handles]
    for columns in range(_COLUMNS, 0, -1):
        length = -(-len(handles) // columns)
        needed = sum(max(widths[at : at + length]) for at in range(0, len(widths), length))
        if needed <= figure.get_figwidth():
            break
    panels.legend(figure, handles, columns=columns)
    figure.set_figheight(figure.get_figheight() + 0.17 * max(0, length - 3))


def _keys(rows: pd.DataFrame, runs: pd.DataFrame, replicates: list[int | None]) -> list:
    """Entries of the legend for what is there."""
    dot = {"linestyle": "none", "marker": "o"}
    handles = []
    known = [replicate for replicate in replicates if replicate is not None]
    if known:
        which = f"replicate {known[0]}, " if len(set(known)) == 1 else ""
        hollow = {"markerfacecolor": "none", "markeredgecolor": "#9a9ea5", "markersize": 4.2}
        handles += [
            panels.key("#9a9ea5", f"{which}one step before", **dot, **hollow),
            panels.key(style.rule_color("fa"), "at the intervention", **dot, markersize=3),
            panels.key(style.ALERT, "at it, unstable", **dot, markersize=3),
        ]
    rule = _rule(rows)
    for kind in ("random", "control"):
        part = rows[rows["kind"] == kind]
        for width, cell in part.groupby("width"):
            color, dashes = _look(cell)
            marker = {"marker": _mark(cell)[1]} if kind == "random" else {}
            name = f"BP minimum, then {rule if kind == 'random' else 'BP'}"
            name += _of_width(width, rows)
            handles.append(panels.key(color, name, linestyle=dashes, **marker))
    tied = runs[runs["kind"] == "tied"]
    for width, cell in tied.groupby("width") if tied["wide"].any() else ():
        look = {"linestyle": _look(cell)[1], "marker": _mark(cell)[1], "linewidth": 1.1}
        handles.append(panels.key(style.GUIDE, f"at an angle{_of_width(width, rows)}", **look))
    for kind in ("own", "fresh"):
        for width, cell in runs[runs["kind"] == kind].groupby("width"):
            color, marker, face = _mark(cell)
            look = {"linestyle": "none", "marker": marker, "markerfacecolor": face}
            name = _name(kind, rule) + (_of_width(width, rows) if cell["wide"].iloc[0] else "")
            handles.append(panels.key(color, name, **look))
    if runs["rise"].notna().any():
        dotted = {"linestyle": (0, (1.4, 1.4)), "linewidth": 0.9}
        handles.append(panels.guide_key(f"stays below a rise of {interventions.STAYS:g}", **dotted))
    return handles
