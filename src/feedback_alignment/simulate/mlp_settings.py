"""Settings of an MLP's training run, all scalars, and what follows from them."""

from dataclasses import dataclass

import numpy as np

from feedback_alignment.activations import activation_named
from feedback_alignment.losses import loss_named
from feedback_alignment.metrics.observe_mlp import Observation
from feedback_alignment.mlp import DISTRIBUTIONS
from feedback_alignment.regularisers import Decay, decay_named
from feedback_alignment.rules import BP, FA, Rule, rule_named
from feedback_alignment.simulate.interventions import (
    FreezeHidden,
    Intervention,
    PerturbWeights,
    RedrawFeedback,
    SwitchRule,
    TieFeedback,
)
from feedback_alignment.simulate.recording import recording_grid


@dataclass(frozen=True, kw_only=True)
class MLPSettings:
    """The settings of one training run, shared by all of its replicates.

    Attributes:
        rule: name of the learning rule.
        width: units of each hidden layer.
        depth: number of hidden layers.
        activation: psi of the hidden layers; outputs are linear.
        loss: `half_mean` or `cross_entropy`, averaged over the samples of a batch.
        bias: whether all layers have biases, which start at zero.
        parametrisation: `standard`, or `ntk`: W = V / sqrt(fan_in), and V is what takes the steps.
        init_scale: sigma, `W ~ N(0, sigma^2 / fan_in)`.
        feedback_scale: standard deviation of feedback in units of 1 / sqrt(fan_in).
        feedback_distribution: `gaussian`, `uniform` or `sign`, unless the rule prescribes one.
        eta: step size.
        steps: number of steps.
        batch_size: samples of a step; 0 for all.
        l2: decay lambda of the weights; biases do not decay.
        schedule: `none`, `constant` or `cutoff`.
        cutoff_step: first step without decay, with schedule `cutoff`.
        decay_layers: which weights decay, `output` or `all`.
        switch_step: step from which `switch_rule` trains; None for never.
        switch_rule: name of that rule.
        redraw_step: step at which feedback is drawn afresh; None for never.
        redraw_every: steps between further fresh draws; 0 for none.
        tie_step: step at which feedback is set at an angle to the weights; None for never.
        tie_angle: that angle in degrees.
        tie_every: steps between further such settings; 0 for none.
        perturb_step: step at which the weights are perturbed; None for never.
        perturb_size: norm of the perturbation relative to that of each layer's weights.
        freeze_step: step from which the hidden layers stay as they are; None for never.
        null_alignment: whether to measure alignment with feedback of no part in training, too.
        descent: whether to record the first-order descent by layer.
        spectrum: whether to record the extreme eigenvalues of K_FA; costs (N C)^3.
        eigenvalues: whether to record every eigenvalue, at the first and last step and just before
            and after interventions; needs `spectrum`.
        metric_samples: training samples behind alignments and gradients, the first ones; 0 for all.
        engine: `minibatch`, or `autograd`: the plain reference, slow.
        dtype: `float32` or `float64`.
        device: `cpu` or `cuda`.
        points_per_decade: recorded steps per decade, spaced geometrically, from the start and from
            each intervention.
        linear_points: recorded steps spaced evenly, in addition.
        settle_tolerance: see `Settling`, as the next two.
        settle_window: steps between checks; 0 never checks.
        settle_floor: part of the initial error below which a run has settled.

    Raises:
        ValueError: a setting is not allowed; the message starts with it.
    """

    rule: str
    width: int
    depth: int
    activation: str = "tanh"
    loss: str = "half_mean"
    bias: bool = True
    parametrisation: str = "standard"
    init_scale: float = 1.0
    feedback_scale: float = 1.0
    feedback_distribution: str = "gaussian"
    eta: float = 0.05
    steps: int = 1000
    batch_size: int = 0
    l2: float = 0.0
    schedule: str = "none"
    cutoff_step: int | None = None
    decay_layers: str = "output"
    switch_step: int | None = None
    switch_rule: str | None = None
    redraw_step: int | None = None
    redraw_every: int = 0
    tie_step: int | None = None
    tie_angle: float = 0.0
    tie_every: int = 0
    perturb_step: int | None = None
    perturb_size: float = 0.0
    freeze_step: int | None = None
    null_alignment: bool = False
    descent: bool = False
    spectrum: bool = False
    eigenvalues: bool = False
    metric_samples: int = 0
    engine: str = "minibatch"
    dtype: str = "float32"
    device: str = "cpu"
    points_per_decade: int = 0
    linear_points: int = 20
    settle_tolerance: float = 0.0
    settle_window: int = 0
    settle_floor: float = 0.0

    def __post_init__(self) -> None:
        choices = {
            "parametrisation": ("standard", "ntk"),
            "decay_layers": ("output", "all"),
            "engine": ("minibatch", "autograd"),
            "dtype": ("float32", "float64"),
            "device": ("cpu", "cuda"),
            "feedback_distribution": DISTRIBUTIONS,
        }
        for name, allowed in choices.items():
            value = getattr(self, name)
            if value not in allowed:
                raise ValueError(f"{name}: {value!r} is not allowed; allowed: {', '.join(allowed)}")
        least = {"width": 1, "depth": 1, "steps": 0, "batch_size": 0, "metric_samples": 0}
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise ValueError(f"{name}: {getattr(self, name)}; allowed: {bound} or more")
        activation_named(self.activation), loss_named(self.loss), self.decay()
        for rule in (self.training_rule(), self.measured_rule()):
            if self.spectrum and not rule.linear:
                raise ValueError(
                    f"spectrum: rule {rule.name!r} has no operator K, its signals ignore the errors"
                )
        for intervention in self.interventions():
            if not 0 <= intervention.step <= self.steps:
                raise ValueError(
                    f"{_STEP_OF[type(intervention)]}: {intervention.step}; "
                    f"allowed: 0 to {self.steps} (steps is {self.steps})"
                )
        if self.eigenvalues and not self.spectrum:
            raise ValueError("eigenvalues: true needs spectrum: true")
        if self.engine == "autograd" and self.device != "cpu":
            raise ValueError("device: the autograd engine computes on cpu only")

    def training_rule(self) -> Rule:
        """The rule that trains from the start."""
        return rule_named(self.rule, "mlp")

    def measured_rule(self) -> Rule:
        """What alignments compare with BP at the start: the first rule that is not BP, or FA."""
        rules = [self.training_rule()]
        if self.switch_step is not None:
            rules.append(self._switch_to())
        return next((rule for rule in rules if rule is not BP), FA)

    def interventions(self) -> tuple[Intervention, ...]:
        """All interventions, in the order in which they act at one step."""
        found: list[Intervention] = []
        if self.switch_step is not None:
            found.append(SwitchRule(self.switch_step, self._switch_to()))
        if self.redraw_step is not None:
            found.append(RedrawFeedback(self.redraw_step, self.redraw_every))
        if self.tie_step is not None:
            found.append(TieFeedback(self.tie_step, self.tie_angle, self.tie_every))
        if self.perturb_step is not None:
            found.append(PerturbWeights(self.perturb_step, self.perturb_size))
        if self.freeze_step is not None:
            found.append(FreezeHidden(self.freeze_step))
        return tuple(found)

    def moments(self) -> tuple[int, ...]:
        """Steps at which every eigenvalue is recorded: ends, and both sides of interventions."""
        steps = {0, self.steps}
        for intervention in self.interventions():
            steps |= {max(0, intervention.step - 1), intervention.step}
        return tuple(sorted(steps))

    def grid(self) -> np.ndarray:
        """The steps to record (T,), rising from 0."""
        grid = {*recording_grid(self.steps, self.points_per_decade, self.linear_points).tolist()}
        for intervention in self.interventions():
            later = recording_grid(self.steps - intervention.step, self.points_per_decade, 0)
            grid.update((intervention.step + later).tolist())
        # A change of the decay shows in the course only if it lies on the grid.
        grid.update(step for step in self.decay().change_steps if step <= self.steps)
        return np.array(sorted(grid.union(self.moments())), dtype=np.int64)

    def decay(self) -> Decay:
        """The decay of weights."""
        return decay_named(self.schedule, self.l2, self.cutoff_step)

    def sizes(self, inputs: int, outputs: int) -> tuple[int, ...]:
        """n_0 ... n_L, inputs to outputs."""
        return (inputs, *[self.width] * self.depth, outputs)

    def rates(self, sizes: tuple[int, ...]) -> tuple[float, ...]:
        """Step size of each layer relative to eta: 1, or for `ntk` 1 / fan_in."""
        if self.parametrisation == "ntk":
            return tuple(1.0 / below for below in sizes[:-1])
        return (1.0,) * (len(sizes) - 1)

    def observation(self, sizes: tuple[int, ...]) -> Observation:
        """What to record."""
        return Observation(
            activation_named(self.activation),
            loss_named(self.loss),
            self.eta,
            self.rates(sizes),
            self.metric_samples,
            self.descent,
            self.spectrum,
            self.eigenvalues,
        )

    def _switch_to(self) -> Rule:
        if self.switch_rule is None:
            raise ValueError("switch_rule: missing; switch_step needs the rule to switch to")
        return rule_named(self.switch_rule, "mlp")


_STEP_OF = {
    SwitchRule: "switch_step",
    RedrawFeedback: "redraw_step",
    TieFeedback: "tie_step",
    PerturbWeights: "perturb_step",
    FreezeHidden: "freeze_step",
}
