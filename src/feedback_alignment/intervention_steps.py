"""The settings of interventions: the step of each, and what comes with it."""

from collections.abc import Mapping
from typing import Any

from feedback_alignment.settings import companions_of

# Those from which a run starts anew, as it were; freezing takes nothing away from a fixed point.
TURNS = ("switch_step", "redraw_step", "tie_step", "perturb_step")
# What an intervention's step brings with it: nothing where the step is never.
COMPANIONS: Mapping[str, Mapping[str, Any]] = {
    step: companions_of(step) for step in (*TURNS, "freeze_step")
}


def last_turn(settings: Mapping[str, Any]) -> int:
    """Step at which the last of `TURNS` first acts; 0 without one after the start.

    Args:
        settings: those of a condition; a step that never comes is None.
    """
    return max(settings[step] or 0 for step in TURNS)
