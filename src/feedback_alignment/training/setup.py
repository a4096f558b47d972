"""What a condition asks of a run, built once: rules, decay, interventions, grid, what to record."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from feedback_alignment.metrics.recorded import recorded
from feedback_alignment.networks.activations import Activation, activation_named
from feedback_alignment.networks.losses import Loss, loss_named
from feedback_alignment.networks.parameters import fans, step_rates
from feedback_alignment.rules import rule_named
from feedback_alignment.rules.bp import BP
from feedback_alignment.rules.fa import FA
from feedback_alignment.rules.rule import Rule
from feedback_alignment.training.decay import Decay, decay_named
from feedback_alignment.training.interventions import (
    FreezeHidden,
    Intervention,
    PerturbWeights,
    RedrawFeedback,
    SwitchRule,
    TieFeedback,
)
from feedback_alignment.training.recording import recording_grid
from feedback_alignment.training.stopping import Settling

if TYPE_CHECKING:
    from feedback_alignment.conditions import Condition


@dataclass(frozen=True)
class Setup:
    """A run, ready to be trained by an engine.

    Attributes:
        condition: the settings.
        sizes: n_0 ... n_L, inputs to outputs.
        rates: step size of each layer relative to eta.
        rule: what trains from the start.
        measured: what alignments compare with BP at the start: the first rule that is not BP, or
            FA.
        activation: psi of the hidden layers; outputs are linear.
        loss: what training minimises.
        decay: decay of the weights.
        interventions: all of them, in the order in which they act at one step.
        moments: steps at which every eigenvalue is recorded: ends, and both sides of interventions.
        grid: the steps to record (T,), rising from 0.
        settling: when a replicate counts as settled.
        wanted: names of the metrics to record.
    """

    condition: "Condition"
    sizes: tuple[int, ...]
    rates: tuple[float, ...]
    rule: Rule
    measured: Rule
    activation: Activation
    loss: Loss
    decay: Decay
    interventions: tuple[Intervention, ...]
    moments: tuple[int, ...]
    grid: np.ndarray
    settling: Settling
    wanted: frozenset[str]

    @property
    def last_change(self) -> int:
        """Step of the last intervention, without its repetitions; 0 for none."""
        return max((0, *(intervention.step for intervention in self.interventions)))

    @property
    def divisor(self) -> np.float64:
        """What unscaled outputs are divided by: s of `f = beta^T psi(V x) / s` (`fans`)."""
        return np.sqrt(float(fans(self.condition.parametrisation, self.sizes)[-1]))


def set_up(condition: "Condition", inputs: int, outputs: int) -> Setup:
    """Build all that a condition says of a run.

    Args:
        condition: the settings.
        inputs: n_0, number of the network's inputs.
        outputs: n_L, number of its outputs.

    Raises:
        ValueError: a setting names what there is not, or asks for what cannot be.
    """
    sizes = (inputs, *[condition.width] * condition.depth, outputs)
    decay = decay_named(condition.schedule, condition.l2, condition.cutoff_step)
    interventions = interventions_of(condition)
    moments = _moments(condition.steps, interventions)
    rules = training_rules(condition)
    return Setup(
        condition=condition,
        sizes=sizes,
        rates=step_rates(condition.parametrisation, sizes),
        rule=rules[0],
        measured=next((rule for rule in rules if rule is not BP), FA),
        activation=activation_named(condition.activation),
        loss=loss_named(condition.loss_function),
        decay=decay,
        interventions=interventions,
        moments=moments,
        grid=_grid(condition, decay, interventions, moments),
        settling=Settling(
            condition.settle_tolerance,
            condition.settle_window,
            condition.settle_floor,
            condition.settle_loss_change,
            condition.settle_after,
        ),
        wanted=recorded(condition),
    )


def training_rules(condition: "Condition") -> list[Rule]:
    """The rules that train, in their order.

    Raises:
        ValueError: a rule is unknown, or the one to switch to is missing.
    """
    rules = [rule_named(condition.rule)]
    if condition.switch_step is not None:
        if condition.switch_rule is None:
            raise ValueError("switch_rule: missing; switch_step needs the rule to switch to")
        rules.append(rule_named(condition.switch_rule))
    return rules


def interventions_of(condition: "Condition") -> tuple[Intervention, ...]:
    """All interventions of a condition, in the order in which they act at one step.

    Raises:
        ValueError: one has no part in the run, or lacks what comes with it; the message starts with
            the setting.
    """
    found: dict[str, Intervention] = {}
    if condition.switch_step is not None:
        switch = SwitchRule(condition.switch_step, training_rules(condition)[-1])
        found["switch_step"] = switch
    if condition.redraw_step is not None:
        found["redraw_step"] = RedrawFeedback(condition.redraw_step, condition.redraw_every)
    if condition.tie_step is not None:
        tie = TieFeedback(condition.tie_step, condition.tie_angle, condition.tie_every)
        found["tie_step"] = tie
    if condition.perturb_step is not None:
        found["perturb_step"] = PerturbWeights(condition.perturb_step, condition.perturb_size)
    if condition.freeze_step is not None:
        found["freeze_step"] = FreezeHidden(condition.freeze_step)
    for name, intervention in found.items():
        if not 0 <= intervention.step <= condition.steps:
            raise ValueError(
                f"{name}: {intervention.step}; "
                f"allowed: 0 to {condition.steps} (steps is {condition.steps})"
            )
    return tuple(found.values())


def _moments(steps: int, interventions: tuple[Intervention, ...]) -> tuple[int, ...]:
    moments = {0, steps}
    for intervention in interventions:
        moments |= {max(0, intervention.step - 1), intervention.step}
    return tuple(sorted(moments))


def _grid(
    condition: "Condition",
    decay: Decay,
    interventions: tuple[Intervention, ...],
    moments: tuple[int, ...],
) -> np.ndarray:
    steps, per_decade = condition.steps, condition.points_per_decade
    grid = {*recording_grid(steps, per_decade, condition.linear_points).tolist(), *moments}
    for intervention in interventions:
        later = recording_grid(steps - intervention.step, per_decade, 0)
        grid.update((intervention.step + later).tolist())
    # A change of the decay shows in the course only if it lies on the grid.
    grid.update(step for step in decay.change_steps if step <= steps)
    return np.array(sorted(grid), dtype=np.int64)
