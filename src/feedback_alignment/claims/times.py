"""Which recorded step of a replicate is read."""

from typing import TYPE_CHECKING, Any

from feedback_alignment.claims.errors import ClaimsError, pick, shown
from feedback_alignment.intervention_steps import TURNS

if TYPE_CHECKING:
    import pandas as pd

# A replicate's first recorded step; the last of the first half of the steps; the last under a
# decay that is cut off; the last before its last intervention; the one at which that takes place,
# whose state is that just after it; the first at which half of what the loss falls in all is gone;
# its last.
TIMES = ("start", "half", "cutoff", "before", "intervention", "half_fall", "end")
# The columns that a time is found by.
STEPS_READ = ["step", "steps", "status", "end_step", "cutoff_step", *TURNS]
# Shares of the steps are decimals, and decimals are not exact.
_ROUNDING = 1e-9

Time = str | float


def known_time(value: Any) -> Time:
    """Return `value` if it is a time: one of `TIMES`, or a share of the steps.

    Raises:
        ClaimsError: it is neither.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return pick(value, TIMES, "time", "a number between 0 and 1")
    if not 0 < value < 1:
        raise ClaimsError(f"a share of the steps lies between 0 and 1, not at {shown(value)}")
    return float(value)


def rows_at(rows: "pd.DataFrame", loss: "pd.DataFrame", time: Time) -> "pd.DataFrame":
    """One row a condition, replicate and metric: the one at a time.

    Of a diverged replicate, what is read at or after its end is no result of the condition; what
    is read before is one.

    Args:
        rows: tidy rows with a value, of one layer.
        loss: tidy rows of the loss with a value, for `half_fall`.
        time: one of `TIMES`, or a share of the steps: the last recorded step not after it; or a
            step, read if it is recorded.
    """
    if time == "half_fall":
        rows = rows[rows["status"] != "diverged"]
        rows = rows.merge(_half_fallen(loss), on=["condition", "replicate", "step"])
    else:
        # Steps that never come compare to nothing.
        rows = rows[_due(rows, time).fillna(False).astype(bool)]
    rows = rows.sort_values("step", ascending=time != "start", kind="stable")
    return rows.drop_duplicates(["condition", "replicate", "metric"], keep="last")


def _due(rows: "pd.DataFrame", time: Time) -> "pd.Series":
    """Which rows may be those at a time: of a replicate the last is, or of `start` the first."""
    step = rows["step"]
    match time:
        case "start":
            return step >= 0
        case "before":
            return step < rows[list(TURNS)].max(axis=1)
        case "intervention":
            return step == rows[list(TURNS)].max(axis=1)
        case "end":
            limit = rows["steps"]
        case "half":
            limit = rows["steps"] // 2
        case "cutoff":
            limit = rows["cutoff_step"]
        case int():
            limit = time
        case _:
            limit = rows["steps"] * time * (1 + _ROUNDING)
    reached = (rows["status"] != "diverged") | (rows["end_step"] > limit)
    return reached & (step == limit if isinstance(time, int) else step <= limit)


def _half_fallen(loss: "pd.DataFrame") -> "pd.DataFrame":
    """Condition, replicate and step at which a replicate's loss has first made half of its fall."""
    loss = loss.sort_values("step", kind="stable")
    of_run = loss.groupby(["condition", "replicate"])["value"]
    first, last = of_run.transform("first"), of_run.transform("last")
    half = loss[(last < first) & (loss["value"] <= (first + last) / 2)]
    return half.drop_duplicates(["condition", "replicate"])[["condition", "replicate", "step"]]
