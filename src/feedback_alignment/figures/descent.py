"""When a loss has fallen half-way, and how far the first order predicts that it falls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedback_alignment.figures import numbers

if TYPE_CHECKING:
    import pandas as pd


def half_fall(loss: pd.DataFrame, keys: list[str], value: str = "value") -> pd.Series:
    """The first recorded step at which a loss has fallen half-way from its first to its last value.

    Args:
        loss: rows with a `step` and a loss.
        keys: the columns that make a course of the loss, such as those of a replicate.
        value: the column of the loss.

    Returns:
        The step by `keys`; none where the loss has not fallen.
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

    Args:
        rows: tidy rows with the metrics `descent` and `loss`.
    """
    import pandas as pd

    descent = numbers.metric(rows[rows["batch_size"] == 0], "descent")
    sums = descent.groupby([*numbers.REPLICATE, "step"])["value"].sum().reset_index()
    loss = numbers.metric(rows, "loss").sort_values("step", kind="stable")
    start = loss.groupby(numbers.REPLICATE)["value"].first()
    parts = [sums.iloc[:0]]
    for run, course in sums.groupby(numbers.REPLICATE, sort=False):
        if (course["step"].diff().dropna() == 1).all() and len(course) > 1:
            before = course["value"].cumsum().shift(fill_value=0.0)
            parts.append(course.assign(value=start[run] - before))
    predicted = pd.concat(parts)
    keys = [*numbers.REPLICATE, "step"]
    return loss.drop(columns="value").merge(predicted, on=keys)
