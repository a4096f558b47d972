"""Summaries of tables: mean, sd and n of every metric at the end of the runs of a condition."""

import pandas as pd

from feedback_alignment.tables import SETTINGS

KEY = ["experiment", "condition", "metric", "layer"]


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Mean, standard deviation (divisor n - 1) and number of the last values of runs.

    Args:
        table: the tidy table of one experiment.

    Returns:
        a row a condition, metric and layer, with the settings in which conditions differ; `n` is
        the number of runs with a value, `diverged` of those left out.
    """
    differing = [name for name in SETTINGS if table[name].nunique(dropna=False) > 1]
    last = table.sort_values("step", kind="stable")
    last = last.drop_duplicates([*KEY, "replicate"], keep="last")
    lost = last["status"] == "diverged"
    values = last.assign(value=last["value"].mask(lost), diverged=lost)
    groups = values.groupby([*KEY, *differing], sort=False, dropna=False)
    columns = {"mean": ("value", "mean"), "sd": ("value", "std"), "n": ("value", "count")}
    summary = groups.agg(**columns, diverged=("diverged", "sum")).reset_index()
    return summary.sort_values(KEY, kind="stable", ignore_index=True)
