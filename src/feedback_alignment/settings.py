"""Every setting of a condition, declared once: type, bounds, default, meaning, where it has effect.

Schema, config keys, table columns, ids, the tables of the documents and the tests follow from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from feedback_alignment.checked import Checked

# The parametrisations of the network of Song 2021, which has one hidden layer.
TWO_LAYER = ("song", "mean_field")
_MANY = 1_000_000_000_000
_SAMPLES = 10_000_000


@dataclass(frozen=True)
class Needs:
    """A setting has effect only where another one is on; elsewhere it has its default.

    Attributes:
        setting: name of the other one.
        value: the value that it must have; None for any that is not null, zero or false.
    """

    setting: str
    value: str | None = None

    def met(self, settings: Mapping[str, Any]) -> bool:
        """Whether it is so in the given settings."""
        found = settings[self.setting]
        # Step 0 is a step.
        on = found is not None if self.setting.endswith("_step") else bool(found)
        return on if self.value is None else found == self.value

    def __str__(self) -> str:
        """The setting, with its value if it must have one."""
        return self.setting if self.value is None else f"{self.setting} {self.value}"


@dataclass(frozen=True)
class Recorded:
    """A setting of what is recorded, or of when a run stops: it is no column of the tables."""


def setting(default: Any, meaning: str, **bounds: Any) -> Any:
    """A setting with its default, its meaning, and pydantic's bounds (`ge`, `gt`, `le`)."""
    return Field(default, description=meaning, **bounds)


def _step(meaning: str) -> Any:
    return setting(None, meaning, ge=0, le=_MANY)


def _every(meaning: str) -> Any:
    return setting(0, meaning, ge=0, le=_MANY)


@dataclass(frozen=True)
class Resolved:
    """A setting whose null stands for a number that the data decide."""


class Settings(Checked):
    """The settings of one training run, as a config gives them; all have a default."""

    case: str = setting(
        "",
        "The role of a condition in its experiment: a name by which figures and claims know it. It "
        "changes no number and no id.",
    )
    rule: str = setting(
        "fa",
        "Learning rule: bp, fa, dfa, usf, kp, drtp, one of your own, or a preset that has a rule.",
    )
    l2: float = setting(
        0.0, "Decay lambda of the weights named by decay_layers; 0 is no regularisation.", ge=0
    )
    schedule: Literal["constant", "cutoff", "none"] = setting(
        "constant",
        "When the decay acts: constant (always), cutoff (before cutoff_step), none (never).",
    )
    cutoff_step: Annotated[int | None, Needs("schedule", "cutoff")] = setting(
        None, "First step without decay; it must come before the last step.", ge=1, le=_MANY
    )
    decay_layers: Annotated[Literal["output", "all"], Needs("l2")] = setting(
        "output", "Which weights decay: output, or all layers. Biases never do."
    )
    activation: str = setting(
        "relu", "Hidden activation psi: linear, relu, tanh, sigmoid, erf or softplus."
    )
    width: int = setting(200, "Number p of hidden units, in each hidden layer.", ge=1, le=_MANY)
    depth: int = setting(
        1, "Number of hidden layers; with parametrisation song or mean_field 1.", ge=1, le=1000
    )
    bias: bool = setting(False, "Biases in all layers, zero at the start.")
    parametrisation: Literal["song", "mean_field", "standard", "ntk"] = setting(
        "song",
        "How weights are scaled. song: f(x) = beta^T psi(W x) / sqrt(p), all weights N(0, 1), the "
        "network of Song 2021. mean_field: the same with f(x) = beta^T psi(W x) / p, and eta p in "
        "the place of eta but in the decay: beta <- (1 - eta lambda) beta - eta p dL/dbeta. "
        "standard: W ~ N(0, init_scale^2 / fan_in) takes the steps. ntk: W = V / sqrt(fan_in), and "
        "V takes the steps, as in Song 2021; biases take steps of eta / fan_in (mean_field: of eta "
        "p, at the output of eta / p).",
    )
    loss_function: Literal["half_sum", "half_mean", "mse", "cross_entropy"] = setting(
        "half_sum",
        "half_sum: half the squared error, summed over samples (Algorithm 1 of Song 2021). "
        "half_mean: the same, its mean over samples. mse: the mean over samples of the squared "
        "error, no half (Song 2021's code). cross_entropy: of a softmax over the outputs, its mean "
        "over samples. Squares are summed over outputs.",
    )
    init_scale: float = setting(1.0, "Scale sigma of the initial weights.", gt=0)
    feedback_scale: float = setting(
        1.0,
        "Standard deviation of the feedback weights in units of 1/sqrt(fan_in), with "
        "parametrisation mean_field of 1/p.",
        gt=0,
    )
    feedback_distribution: Literal["gaussian", "uniform", "sign"] = setting(
        "gaussian",
        "Distribution of the feedback weights, unless the rule prescribes one; all have the same "
        "variance.",
    )
    data: str = setting(
        "teacher_student",
        "Data source: teacher_student (Gaussian inputs, targets from a random two-layer network of "
        "the same activation and width), linear_teacher (Gaussian inputs, targets X theta with "
        "theta ~ N(0, I)), noise (Gaussian inputs, targets N(0, 1) of their own), digits, "
        "digits_in_order, mnist, or a name of data_sources.",
    )
    scaling: Literal["none", "centred", "standardised"] = setting(
        "none",
        "What is done to the inputs of images or your own arrays, with the training part's "
        "numbers. centred: each input's mean is taken away and all are divided by one standard "
        "deviation. standardised: one mean and one standard deviation for all.",
    )
    samples: Annotated[int | None, Resolved()] = setting(
        None,
        "Number n of training samples, the first ones. null: 50 for synthetic data, all there are "
        "for other.",
        ge=1,
        le=_SAMPLES,
    )
    dimension: Annotated[int | None, Resolved()] = setting(
        None,
        "Number d of inputs. null: 150 for synthetic data, all there are for other; fewer "
        "keeps the leading principal components.",
        ge=1,
        le=1_000_000,
    )
    validation_samples: int = setting(
        0,
        "Random training samples that are held out, and judged by instead of the test part: for "
        "choosing settings. 0 judges by the test part.",
        ge=0,
        le=_SAMPLES,
    )
    eta: float = setting(0.001, "Step size.", gt=0)
    steps: int = setting(
        1000, "Number of gradient steps; 0 records the initial network only.", ge=0, le=_MANY
    )
    batch_size: int = setting(
        0, "Samples a step, in a fresh order each epoch; 0 takes all.", ge=0, le=_SAMPLES
    )
    switch_step: int | None = _step(
        "Step from which switch_rule trains; null for never. At one step interventions act in this "
        "order: switch, redraw, tie, perturb, freeze."
    )
    switch_rule: Annotated[str | None, Needs("switch_step")] = setting(
        None, "The rule that training switches to."
    )
    redraw_step: int | None = _step(
        "Step at which the feedback weights are drawn afresh; null for never."
    )
    redraw_every: Annotated[int, Needs("redraw_step")] = _every(
        "Steps between further fresh draws; 0 for none."
    )
    tie_step: int | None = _step(
        "Step at which the feedback weights are set at tie_angle to the weights they stand for; "
        "null for never."
    )
    tie_angle: Annotated[float, Needs("tie_step")] = setting(
        0.0, "That angle in degrees; 0 makes them the weights themselves.", ge=0, le=180
    )
    tie_every: Annotated[int, Needs("tie_step")] = _every(
        "Steps between further such settings; 0 for none."
    )
    perturb_step: int | None = _step("Step at which all weights get random noise; null for never.")
    perturb_size: Annotated[float, Needs("perturb_step")] = setting(
        0.0, "Norm of that noise, relative to the norm of each layer's weights.", ge=0
    )
    freeze_step: int | None = _step(
        "Step from which the hidden layers keep their weights; 0 trains the output layer alone, "
        "null never freezes."
    )
    metric_samples: int = setting(
        0,
        "Training samples behind alignments and gradient norms, the first ones; 0 takes all.",
        ge=0,
        le=_SAMPLES,
    )
    weights: Literal["explicit", "wishart"] = setting(
        "explicit",
        "Initial weights: explicit draws every weight; wishart draws only their Gram matrix "
        "(linear networks of parametrisation song or mean_field, any width).",
    )
    engine: Literal["auto", "linear", "preactivation", "minibatch", "autograd"] = setting(
        "auto",
        "How the run is computed; all engines agree to rounding. auto: the fastest that serves "
        "it. autograd: the plain reference, slow.",
    )
    dtype: Literal["float64", "float32"] = setting("float64", "Floating-point type of the run.")
    device: Literal["cpu", "cuda"] = setting(
        "cpu",
        "Where the engines preactivation and minibatch compute, the top level's device if not "
        "given; the other engines are always on cpu.",
    )
    points_per_decade: Annotated[int, Recorded()] = setting(
        10, "Recorded steps per decade, spaced geometrically.", ge=0, le=10_000
    )
    linear_points: Annotated[int, Recorded()] = setting(
        20, "Recorded steps spaced evenly, in addition.", ge=0, le=1_000_000
    )
    null_alignment: Annotated[bool, Recorded()] = setting(
        False, "Record alignments with feedback that took no part in training, too."
    )
    sample_alignment: Annotated[bool, Recorded()] = setting(
        False, "Record the alignment of the errors sent back sample by sample, too."
    )
    descent: Annotated[bool, Recorded()] = setting(
        False, "Record the first-order descent by layer."
    )
    displacement: Annotated[bool, Recorded()] = setting(
        False, "Record how far the hidden weights have moved, beside a random walk."
    )
    spectrum: Annotated[bool, Recorded()] = setting(
        False, "Record the extreme eigenvalues of the operator K_FA (few samples)."
    )
    eigenvalues: Annotated[bool, Recorded(), Needs("spectrum")] = setting(
        False, "Record all its eigenvalues at the first and last step and around interventions."
    )
    kernels: Annotated[bool, Recorded()] = setting(
        False, "Record the spectra of the kernels G and H too (parametrisation song or mean_field)."
    )
    law: Annotated[bool, Recorded()] = setting(
        False,
        "Record, too, the course that the law of wide linear networks predicts (activation linear, "
        "rules bp and fa).",
    )
    settle_tolerance: Annotated[float, Recorded(), Needs("settle_window")] = setting(
        0.0,
        "A run has settled when, over settle_window steps, the error changes by less than this "
        "share and the weight alignment by less than this.",
        ge=0,
    )
    settle_window: Annotated[int, Recorded()] = _every(
        "Steps between two checks whether the run has settled; 0 never checks."
    )
    settle_floor: Annotated[float, Recorded(), Needs("settle_window")] = setting(
        0.0,
        "A run has settled, too, when its error is below this share of the initial error.",
        ge=0,
    )
    settle_loss_change: Annotated[float, Recorded(), Needs("settle_window")] = setting(
        0.0,
        "A run has settled, too, when its loss changes by less than this over settle_window steps.",
        ge=0,
    )
    settle_after: Annotated[int, Recorded(), Needs("settle_window")] = _every(
        "First step at which a run may end as settled. One that has settled before goes on until "
        "then."
    )


DEFAULTS: Mapping[str, Any] = Settings().model_dump()


def needs_of(name: str) -> Needs | None:
    """What a setting needs to have effect; None if nothing."""
    marks = Settings.model_fields[name].metadata
    return next((mark for mark in marks if isinstance(mark, Needs)), None)


def _marked(name: str, mark: type) -> bool:
    return any(isinstance(each, mark) for each in Settings.model_fields[name].metadata)


def _column_type(name: str) -> tuple[type, bool]:
    annotation = Settings.model_fields[name].annotation
    kinds = set(get_args(annotation) or [annotation])
    (kind,) = {kind if isinstance(kind, type) else str for kind in kinds - {NoneType}}
    return kind, NoneType in kinds and not _marked(name, Resolved)


# The settings that are columns of the tables: type, and whether it may be empty.
COLUMN_TYPES: Mapping[str, tuple[type, bool]] = {
    name: _column_type(name) for name in DEFAULTS if not _marked(name, Recorded)
}


def companions_of(name: str) -> dict[str, Any]:
    """The settings that have effect only where the named one is on, with their defaults."""
    needs = {other: needs_of(other) for other in DEFAULTS}
    return {
        other: DEFAULTS[other] for other, need in needs.items() if need and need.setting == name
    }
