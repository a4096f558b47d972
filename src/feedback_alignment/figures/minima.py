"""The runs in which something happens to a trained network: which there are, and how they end.

The `case` of a condition says what it shows; `CASES` lists those of the figures of stability.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import binomtest

from feedback_alignment.figures import marks, numbers, style
from feedback_alignment.intervention_steps import TURNS

METRICS = ("K_real", "K_imag", "stability_ratio", "gradient_alignment", "loss", "loss_rise")
#: What a run shows, by its case, in the order of panels.
CASES = {
    "bp_random": "random",
    "bp_random_wide": "random",
    "fa_own": "own",
    "fa_fresh": "fresh",
    "bp_tied": "tied",
    "bp_alone": "control",
}
#: A replicate stays where its loss rises by less than this, as in the claims.
STAYS = 2.0


def lacking(table: pd.DataFrame) -> str:
    """Why there is nothing to draw; empty if there is something."""
    if len(table):
        return numbers.lacking_cases(table, CASES)
    return numbers.lacking_metrics(table, "loss_rise")


def select(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the runs shown, with their `kind` and `moment`, the step of the last intervention.

    Of conditions of one kind, width and angle the first is kept; :func:`left_out` counts others.
    """
    table = table.assign(kind=table["case"].map(CASES))
    conditions = table[table["kind"].notna()].drop_duplicates("condition")
    conditions = conditions.drop_duplicates(["kind", "width", "tie_angle"])
    rows = table[table["condition"].isin(conditions["condition"])]
    return rows.assign(moment=rows[list(TURNS)].max(axis=1).fillna(0).astype("int64"))


def runs_of(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a replicate of :func:`select`'s rows.

    Returns:
        Its settings with `ratio` (r) and `alignment` (hidden layers) at the intervention, `rise`
        (loss_rise) and `stays` (True, False, or missing where the table does not tell; whoever
        diverged does not).
    """
    runs = numbers.replicates(rows).set_index(numbers.REPLICATE)
    at = rows[rows["step"] == rows["moment"]]
    sources = {
        "ratio": at[at["metric"] == "stability_ratio"],
        "alignment": at[(at["metric"] == "gradient_alignment") & (at["layer"] == "hidden")],
        "rise": rows[(rows["metric"] == "loss_rise") & (rows["status"] != "diverged")],
    }
    for name, part in sources.items():
        runs[name] = part.set_index(numbers.REPLICATE)["value"]
    stays = (runs["rise"] < STAYS).astype("boolean").where(runs["rise"].notna())
    return runs.assign(stays=stays.mask(runs["status"] == "diverged", False)).reset_index()


def say_none(axes: Axes, cells: pd.DataFrame, kind: str, metrics: str, wrap: int = 28) -> None:
    """Say why a panel has nothing to show: no such run, all diverged, or no such metric."""
    reason = f"No {metrics} in the table."
    if cells.empty:
        cases = " or ".join(case for case, of in CASES.items() if of == kind)
        reason = f"No run of case {cases} in the table."
    elif (cells["status"] == "diverged").all():
        reason = f"All {len(numbers.replicates(cells))} replicates diverged."
    marks.say_missing(axes, reason, wrap=wrap)


def left_out(table: pd.DataFrame, rows: pd.DataFrame) -> str:
    """How many conditions of the same cases are not shown, in a sentence; empty if none."""
    cases = table[table["case"].isin(CASES)]
    number = cases["condition"].nunique() - rows["condition"].nunique()
    many = "condition differs" if number == 1 else "conditions differ"
    return f"{number} further {many} in other settings: not shown." if number else ""


def own_step_size(rows: pd.DataFrame) -> str:
    """A sentence if feedback at an angle has a step size of its own; empty if not."""
    tied = rows["kind"] == "tied"
    own, others = (sorted(rows.loc[those, "eta"].unique()) for those in (tied, ~tied))
    if not own or not others or own == others:
        return ""
    return f"Feedback at an angle: η = {own[0]:g}; the others: η = {others[0]:g}."


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """By kind of run, width and angle: r, alignment, rise of the loss, share that stays."""
    if reason := lacking(table):
        return numbers.nothing(reason)
    runs = runs_of(select(table))
    kinds = pd.CategoricalDtype(list(dict.fromkeys(CASES.values())))
    cells = runs.astype({"kind": kinds}).groupby(["kind", "width", "tie_angle"], observed=True)
    out = []
    for (kind, width, angle), cell in cells:
        share, low, high = share_of(cell["stays"].dropna())
        out.append(
            {
                "run": name_of(kind, rule_of(runs)),
                "angle": f"{angle:g}°" if kind == "tied" else "",
                "p": width,
                "replicates": len(cell),
                "r": cell["ratio"].mean(),
                "sd of r": cell["ratio"].std(),
                "cos(g_BP, g_FA)": cell["alignment"].mean(),
                "sd of cos": cell["alignment"].std(),
                "loss rises": np.exp(np.log(cell["rise"][cell["rise"] > 0]).mean()),
                "stay": share,
                "stay, low": low,
                "stay, high": high,
            }
        )
    return pd.DataFrame(out).set_index(["run", "angle", "p"])


def share_of(stays: pd.Series) -> tuple[float, float, float]:
    """Share that stays and its Clopper-Pearson 95 % interval; NaN without replicates."""
    if not len(stays):
        return float("nan"), float("nan"), float("nan")
    number = int(stays.sum())
    interval = binomtest(number, len(stays)).proportion_ci(0.95, method="exact")
    return number / len(stays), float(interval.low), float(interval.high)


def rule_of(rows: pd.DataFrame) -> str:
    """Legend name of the rule that uses the feedback."""
    rules = [*rows["switch_rule"].dropna().unique(), *rows["rule"].unique()]
    return style.method_name(next((rule for rule in rules if rule not in ("", "bp")), "fa"), 0)


def name_of(kind: str, rule: str) -> str:
    """A kind of run in words, with the name of the rule that uses the feedback."""
    return {
        "random": "BP minimum, random feedback",
        "own": f"{rule} minimum, own feedback",
        "fresh": f"{rule} minimum, fresh feedback",
        "tied": "BP minimum, feedback at an angle",
        "control": "BP minimum, BP goes on",
    }[kind]
