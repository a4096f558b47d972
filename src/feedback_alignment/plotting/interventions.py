"""Runs in which something happens to a trained network: which there are, and how they end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedback_alignment.plotting import tables

if TYPE_CHECKING:
    import pandas as pd

#: A replicate stays where its loss rises by less than this, as in config/claims.yaml.
STAYS = 100.0
#: What a run shows, in the order of panels, and the settings that make such a run.
KINDS = {
    "random": "rule: bp, switch_step and switch_rule: fa",
    "own": "rule: fa and perturb_step",
    "fresh": "rule: fa and redraw_step",
    "tied": "rule: bp, switch_step, switch_rule: fa, tie_step and tie_angle: 0",
    "control": "rule: bp and perturb_step",
}

_INTERVENTIONS = ("switch", "redraw", "tie", "perturb", "freeze")
_ASIDE = {"rule", "width", "steps", "engine", "dtype", "device", "metric_samples", "switch_rule"}
_ASIDE |= {"tie_angle", "tie_every", "redraw_every", "perturb_size"}
_ASIDE |= {f"{name}_step" for name in _INTERVENTIONS}
_SAME = [name for name in tables.SETTINGS if name not in _ASIDE | {"eta"}]


def select(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the runs shown, with columns `kind`, `moment`, `wide`, `rank` and `shade`.

    `moment` is the step of the last intervention, `wide` tells widths other than the commonest
    one. `rank` is 0 for the commonest width and counts the others from 1 as they grow; their
    `shade` goes from 0 to 1 with it (0.5 if there is one). Of runs that differ in what the figure
    has no place for, the commonest are kept: one condition for each kind, width and angle.
    Feedback at an angle may have a step size of its own.
    """
    import pandas as pd

    conditions = _classify(table.drop_duplicates("condition"))
    conditions = conditions[conditions["kind"] != ""]
    if conditions.empty:
        return table.iloc[:0].assign(kind="", moment=0, wide=False, rank=0, shade=0.0)
    conditions = _commonest(conditions, _SAME)
    tied = conditions["kind"] == "tied"
    families = [conditions[those] for those in (tied, ~tied) if those.any()]
    conditions = pd.concat([_commonest(family, ["eta"]) for family in families])
    with_feedback = conditions[conditions["feedback_rule"] != "bp"]
    if len(with_feedback):
        rule = with_feedback["feedback_rule"].mode()[0]
        conditions = conditions[conditions["feedback_rule"].isin([rule, "bp"])]
    usual = conditions["width"].mode()[0]
    alike = conditions.groupby(["kind", "perturb_size"])["condition"].transform("size")
    conditions = conditions.assign(alike=-alike).sort_values("alike", kind="stable")
    conditions = conditions.drop_duplicates(["kind", "width", "tie_angle"])
    rows = table[table["condition"].isin(conditions["condition"])]
    by_condition = conditions.set_index("condition")
    others = sorted(set(conditions["width"]) - {usual})
    rank = rows["width"].map({width: place for place, width in enumerate(others, 1)}).fillna(0)
    return rows.assign(
        kind=rows["condition"].map(by_condition["kind"]),
        moment=rows["condition"].map(by_condition["moment"]).astype("int64"),
        wide=rows["width"] != usual,
        rank=rank.astype("int64"),
        shade=(rank - 1).clip(lower=0) / (len(others) - 1) if len(others) > 1 else 0.5,
    )


def some(table: pd.DataFrame) -> bool:
    """Whether :func:`select` finds a run."""
    return bool((_classify(table.drop_duplicates("condition"))["kind"] != "").any())


def replicates(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a replicate of :func:`select`'s rows.

    Returns:
        Its settings with `ratio` (r) and `alignment` (hidden layers) at the intervention, `rise`
        (loss_rise) and `stays` (True, False, or missing where the table does not tell; whoever
        diverged does not).
    """
    import pandas as pd

    runs = tables.replicates(rows).set_index(tables.REPLICATE)
    at = rows[rows["step"] == rows["moment"]]
    sources = {
        "ratio": at[at["metric"] == "stability_ratio"],
        "alignment": at[(at["metric"] == "gradient_alignment") & (at["layer"] == "hidden")],
        "rise": rows[(rows["metric"] == "loss_rise") & (rows["status"] != "diverged")],
    }
    for name, part in sources.items():
        runs[name] = part.set_index(tables.REPLICATE)["value"]
    known = runs["rise"].notna()
    stays = pd.Series(pd.NA, runs.index, dtype="boolean")
    stays[known] = runs.loc[known, "rise"] < STAYS
    stays[runs["status"] == "diverged"] = False
    return runs.assign(stays=stays).reset_index()


def own_step_size(rows: pd.DataFrame) -> str:
    """A sentence if feedback at an angle has a step size of its own; empty if not."""
    tied = rows["kind"] == "tied"
    sizes = [sorted(rows.loc[those, "eta"].unique()) for those in (tied, ~tied)]
    if not all(sizes) or sizes[0] == sizes[1]:
        return ""
    return f"Feedback at an angle: η = {sizes[0][0]:g}; the others: η = {sizes[1][0]:g}."


def _classify(conditions: pd.DataFrame) -> pd.DataFrame:
    """Add `kind`, `moment` and `feedback_rule` (what trains after the intervention)."""
    step = {name: conditions[f"{name}_step"].fillna(0).astype("int64") for name in _INTERVENTIONS}
    moment = step["switch"]
    for other in step.values():
        moment = moment.where(moment >= other, other)
    switched = (step["switch"] > 0) & (conditions["switch_rule"].fillna("") != "")
    after = conditions["rule"].where(~switched, conditions["switch_rule"])
    # Feedback that is set again and again is another question.
    once = (conditions["redraw_every"] == 0) & (conditions["tie_every"] == 0)
    once &= conditions["freeze_step"].isna() & (moment > 0)
    drawn_once = once & conditions["tie_step"].isna()
    from_bp = (conditions["rule"] == "bp") & switched & (after != "bp")
    untouched = drawn_once & (step["perturb"] > 0) & ~switched & conditions["redraw_step"].isna()
    kinds = {
        "tied": once & from_bp & (step["tie"] > 0),
        "random": drawn_once & from_bp,
        "own": untouched & (conditions["rule"] != "bp"),
        "fresh": drawn_once & ~switched & (conditions["rule"] != "bp") & (step["redraw"] > 0),
        "control": untouched & (conditions["rule"] == "bp"),
    }
    out = conditions.assign(kind="", moment=moment, feedback_rule=after)
    for kind, those in kinds.items():
        out.loc[those, "kind"] = kind
    return out


def _commonest(conditions: pd.DataFrame, settings: list[str]) -> pd.DataFrame:
    """The conditions that share the commonest values of the given settings."""
    group = conditions.groupby(settings, dropna=False).ngroup()
    return conditions[group == group.mode()[0]]


def left_out(table: pd.DataFrame, rows: pd.DataFrame) -> str:
    """How many conditions of the same kinds are not shown, in a sentence; empty if none.

    Args:
        table: tidy rows.
        rows: what :func:`select` chose of them.
    """
    known = _classify(table.drop_duplicates("condition"))
    number = int((known["kind"] != "").sum()) - rows["condition"].nunique()
    if not number:
        return ""
    if number == 1:
        return "1 further condition differs in other settings and is not shown."
    return f"{number} further conditions differ in other settings and are not shown."
