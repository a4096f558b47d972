"""song_kernels: G concentrates and H vanishes as the network widens (Song 2021)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedback_alignment.plotting import panels, style, tables

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METRICS = ("lambda_min_G", "H_spectral_norm", "lambda_min_EG")
_COLORS = {"lambda_min_G": style.KERNEL_COLORS["G"], "H_spectral_norm": style.KERNEL_COLORS["H"]}
_LABELS = {
    "lambda_min_G": "$\\lambda_{\\min}(G)$",
    "H_spectral_norm": "$\\Vert H\\Vert_2$",
    "lambda_min_EG": "$\\gamma=\\lambda_{\\min}(\\mathrm{E}\\,G)$",
}
_CELL = ["rule", "activation", "width"]
_SAME = [*_CELL, "depth", "samples", "dimension", "data", "engine", "dtype"]


def initial(table: pd.DataFrame) -> pd.DataFrame:
    """The rows at step 0 with random feedback; decay and step size do not act there yet."""
    rows = table[(table["step"] == 0) & (table["rule"] != "bp") & table["metric"].isin(METRICS)]
    rows = rows[rows["value"].notna()]
    return rows.drop_duplicates([*_SAME, "replicate", "metric"]).assign(status="ok")


def lacking(table: pd.DataFrame) -> str:
    """Why there is nothing to draw; empty if there is something."""
    kernels = table[table["metric"].isin(METRICS)]
    if not (kernels["value"].notna() & (kernels["step"] == 0)).any():
        return "No kernel metrics in the table: set kernels: true in the experiment's settings."
    if initial(table).empty:
        return "No run with random feedback in the table: set rule: fa in the experiment."
    return ""


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Each kernel quantity at initialisation, `mean ± sd`, by activation and width."""
    rows = _variants(initial(table))
    keys = ["activation", "width", *(["variant"] if rows["variant"].any() else [])]
    stats = tables.mean_over_replicates(rows, [*keys, "metric"])
    stats["shown"] = [
        f"{mean:.3g}" if n < 2 else f"{mean:.3g} ± {sd:.2g}"
        for mean, sd, n in zip(stats["mean"], stats["sd"], stats["n"], strict=True)
    ]
    out = stats.pivot(index=keys, columns="metric", values="shown")
    names = {"lambda_min_G": "λmin(G)", "H_spectral_norm": "‖H‖₂", "lambda_min_EG": "λmin(E G)"}
    return out[[m for m in METRICS if m in out]].rename(columns=names).rename_axis(columns=None)


def draw(table: pd.DataFrame) -> Figure:
    """Both kernels at initialisation against width; a panel per activation."""
    rows = _variants(initial(table))
    variants = sorted(rows["variant"].unique())
    activations = style.in_order(list(rows["activation"].unique()))
    figure, (row,) = panels.grid(1, len(activations), 2.6)
    for axes, activation in zip(row, activations, strict=True):
        here = rows[rows["activation"] == activation]
        panels.title(axes, style.activation_name(activation))
        for name, color in _COLORS.items():

            def line(part, dashes, color=color, axes=axes):
                stats = tables.mean_over_replicates(part, ["width"])
                look = {"linestyle": dashes, "marker": "o"}
                panels.band(axes, stats["width"], stats, color, **look)

            panels.each_variant(here[here["metric"] == name], variants, line)
        panels.width_axis(axes, here["width"])
        _references(axes, here)
        _limit(axes, here)
        panels.decades(axes)
    row[0].set_ylabel("eigenvalue at initialisation")
    panels.legend(figure, _handles(rows) + panels.variant_keys(variants), columns=4)
    return figure


def _variants(rows: pd.DataFrame) -> pd.DataFrame:
    same = {"l2": 0.0, "schedule": "none", "cutoff_step": 0, "eta": 0.0, "steps": 0, "weights": ""}
    return tables.with_variant(rows.assign(**same), _CELL)


def _references(axes: Axes, rows: pd.DataFrame) -> None:
    import numpy as np

    widths = np.array([rows["width"].min(), rows["width"].max()], dtype=float)
    expected = rows.loc[rows["metric"] == "lambda_min_EG", "value"]
    if len(expected):
        axes.axhline(
            expected.mean(), color=_COLORS["lambda_min_G"], linewidth=1.1, linestyle=(0, (4, 2)),
            gid="expected",
        )  # fmt: skip
    norm = rows[rows["metric"] == "H_spectral_norm"]
    if len(norm):
        # Through the middle of the means drawn, so that only the slope is compared.
        means = norm.groupby("width")["value"].mean()
        level = np.exp(np.log(means * np.sqrt(means.index.to_numpy(float))).mean())
        axes.plot(
            widths, level * widths**-0.5, color=style.GUIDE, linewidth=1.1,
            linestyle=(0, (1.2, 1.3)), gid="guide", zorder=4,
        )  # fmt: skip


def _limit(axes: Axes, rows: pd.DataFrame) -> None:
    values = rows.loc[rows["value"] > 0].groupby(["metric", "width"])["value"].mean()
    if len(values):
        axes.set_ylim(max(values.min() / 2.5, values.max() * 1e-6), values.max() * 2.5)


def _handles(rows: pd.DataFrame) -> list:
    present = set(rows["metric"])
    handles = [panels.key(c, _LABELS[m], marker="o") for m, c in _COLORS.items() if m in present]
    if "lambda_min_EG" in present:
        color = _COLORS["lambda_min_G"]
        handles.append(panels.guide_key(_LABELS["lambda_min_EG"], color=color))
    if "H_spectral_norm" in present:
        handles.append(panels.guide_key("slope $p^{-1/2}$", linestyle=(0, (1.2, 1.3))))
    return handles
