"""When a loss has fallen half-way, and how far the first order predicts that it falls."""

from __future__ import annotations

import pandas as pd

from feedback_alignment.figures import numbers


def half_fall(loss: pd.DataFrame, keys: list[str], value: str = "value") -> pd.Series:
    """The first recorded step at which a loss has fallen half-way from its first to its last value.

    It is given by `keys`, the columns that make a course, such as those of a replicate; there is
    none where the loss, the column `value`, has not fallen.
    """
    ordered = loss.sort_values("step", kind="stable")
    ends = ordered.groupby(keys)[value].agg(["first", "last"])
    rows = ordered.drop(columns=["first", "last"], errors="ignore").join(ends, on=keys)
    down = (rows["last"] < rows["first"]) & (rows[value] <= (rows["first"] + rows["last"]) / 2)
    return rows[down].groupby(keys)["step"].min()


def first_order(rows: pd.DataFrame) -> pd.DataFrame:
    """The loss that the first-order descent of all layers predicts, as rows of a metric `loss`.

    Only where every step is recorded and takes all samples: a sum over every fifth step would be
    off by more than the first order is, and on minibatches descent and loss differ in samples.
    """
    descent = numbers.metric(rows[rows["batch_size"] == 0], "descent")
    sums = descent.groupby([*numbers.REPLICATE, "step"])["value"].sum().reset_index()
    loss = numbers.metric(rows, "loss").sort_values("step", kind="stable")
    start = loss.groupby(numbers.REPLICATE)["value"].first()
    parts = [sums.iloc[:0]]
    for run, course in sums.groupby(numbers.REPLICATE, sort=False):
        if (course["step"].diff().dropna() == 1).all() and len(course) > 1:
            before = course["value"].cumsum().shift(fill_value=0.0)
            parts.append(course.assign(value=start[run] - before))
    return loss.drop(columns="value").merge(pd.concat(parts), on=[*numbers.REPLICATE, "step"])
