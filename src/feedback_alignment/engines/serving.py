"""What conditions engines serve: what none can compute, and how an engine says what it leaves."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from feedback_alignment.data.sources import SYNTHETIC
from feedback_alignment.metrics.metric import shallow
from feedback_alignment.networks.losses import LOSSES, loss_named
from feedback_alignment.rules.bp import BP
from feedback_alignment.rules.fa import FA
from feedback_alignment.settings import DEFAULTS, TWO_LAYER
from feedback_alignment.training.setup import interventions_of, training_rules

if TYPE_CHECKING:
    from feedback_alignment.conditions import Condition

# What the engines of the shallow full-batch networks take account of. Every other setting must have
# its default, so that a new one is not ignored by an engine that has not heard of it.
_HEARD = {
    *("rule", "l2", "schedule", "cutoff_step", "activation", "width", "depth", "eta", "steps"),
    *("samples", "dimension", "weights", "engine", "dtype", "device", "kernels"),
    *("data", "loss_function", "points_per_decade", "linear_points"),
    *("settle_tolerance", "settle_window", "settle_floor", "settle_loss_change", "settle_after"),
}
# What these engines serve, beside their own.
SHALLOW: Mapping[str, tuple[Any, ...]] = {
    **{name: (default,) for name, default in DEFAULTS.items() if name not in _HEARD | {"case"}},
    "loss_function": tuple(name for name, loss in LOSSES.items() if loss.squared),
    "data": SYNTHETIC,
    "parametrisation": TWO_LAYER,
}


def outside(
    engine: str, condition: "Condition", served: Mapping[str, tuple[Any, ...]]
) -> str | None:
    """Why a condition is outside what an engine serves, or outside what any can compute.

    Args:
        engine: name of the engine.
        condition: the settings.
        served: the values that it serves, of each setting that it does not serve at every value.

    Returns:
        One line that begins with the setting, or None.
    """
    for name, values in served.items():
        value = getattr(condition, name)
        if value not in values:
            allowed = ", ".join(_shown(each) for each in values)
            return f"{name}: {_shown(value)} is not served by engine {engine}; allowed: {allowed}"
    return impossible(condition)


def impossible(condition: "Condition") -> str | None:
    """Why no engine can compute a condition: one line that begins with the setting, or None."""
    try:
        rules = training_rules(condition)
        interventions_of(condition)
        loss = loss_named(condition.loss_function)
    except ValueError as error:
        return str(error)
    for name in ("batch_size", "metric_samples"):
        if getattr(condition, name) > condition.samples:
            return f"{name}: {getattr(condition, name)}; allowed: up to {condition.samples}"
    if condition.parametrisation in TWO_LAYER and condition.depth != 1:
        return (
            f"depth: {condition.depth} is not possible with parametrisation "
            f"{condition.parametrisation}; allowed: 1, or another parametrisation"
        )
    if condition.kernels and (condition.bias or not shallow(condition)):
        return (
            f"kernels: true needs parametrisation {' or '.join(TWO_LAYER)} with batch_size 0, bias "
            "false and data "
            f"{' or '.join(SYNTHETIC)}; allowed: only false"
        )
    if condition.spectrum and not loss.squared:
        return (
            "spectrum: K_FA tells stability for squared errors alone; allowed: only false with "
            f"loss_function {loss.name}"
        )
    measured = next((rule for rule in rules if rule is not BP), FA)
    for rule in (rules[0], measured):
        if condition.spectrum and not rule.linear:
            return f"spectrum: rule {rule.name!r} has no operator K, its signals ignore the errors"
    if condition.eigenvalues and not condition.spectrum:
        return "eigenvalues: true needs spectrum: true"
    return None


def _shown(value: Any) -> str:
    return (
        "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    )
