"""One condition of an experiment: every setting that can change its numbers, and its id."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from feedback_alignment.data.sources import TEACHER_STUDENT, Source
from feedback_alignment.intervention_steps import COMPANIONS
from feedback_alignment.rules import TWO_LAYER_RULES

if TYPE_CHECKING:
    from feedback_alignment.simulate.mlp_settings import MLPSettings

# The algebra of the reduced engine is each rule's own, and needs the range of float64.
LINEAR_ENGINE_SERVES = {"activation": ("linear",), "rule": ("bp", "fa"), "dtype": ("float64",)}
# Weights of one replicate: 4 GB.
_MOST_WEIGHTS = 500_000_000
# The operator K takes n^2 numbers, and its eigenvalues n^3 operations.
LARGEST_OPERATOR = 4000

# Settings of the networks whose parametrisation is not `song`; in these they have these values.
MLP_ONLY = {
    "decay_layers": "output",
    "depth": 1,
    "bias": False,
    "init_scale": 1.0,
    "feedback_scale": 1.0,
    "feedback_distribution": "gaussian",
    "data": TEACHER_STUDENT,
    "scaling": "none",
    "validation_samples": 0,
    "batch_size": 0,
    "switch_step": None,
    "redraw_step": None,
    "tie_step": None,
    "perturb_step": None,
    "freeze_step": None,
    "metric_samples": 0,
    "null_alignment": False,
    "descent": False,
    "spectrum": False,
    "eigenvalues": False,
}
TWO_LAYER_ONLY = {"weights": "explicit", "kernels": False}
# Engines by whether the parametrisation is `song`.
_ENGINES = {
    True: ("auto", "linear", "preactivation", "autograd"),
    False: ("auto", "minibatch", "autograd"),
}


@dataclass(frozen=True, kw_only=True)
class Condition:
    """The settings of one training run, shared by all of its replicates.

    Field names are the config's setting names and the tables' column names; the config schema
    describes each. Build it with `Condition.from_settings`: it gives equal settings one form.
    """

    rule: str
    l2: float
    schedule: str
    cutoff_step: int | None
    decay_layers: str
    activation: str
    width: int
    depth: int
    bias: bool
    parametrisation: str
    loss_function: str
    init_scale: float
    feedback_scale: float
    feedback_distribution: str
    data: str
    scaling: str
    samples: int
    dimension: int
    validation_samples: int
    eta: float
    steps: int
    batch_size: int
    switch_step: int | None
    switch_rule: str | None
    redraw_step: int | None
    redraw_every: int
    tie_step: int | None
    tie_angle: float
    tie_every: int
    perturb_step: int | None
    perturb_size: float
    freeze_step: int | None
    metric_samples: int
    weights: str
    engine: str
    dtype: str
    device: str
    points_per_decade: int
    linear_points: int
    null_alignment: bool
    descent: bool
    spectrum: bool
    eigenvalues: bool
    kernels: bool
    settle_tolerance: float
    settle_window: int
    settle_floor: float
    # The condition's role in its experiment, a name from the config: it decides no number.
    case: str = field(default="", compare=False)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], source: Source) -> "Condition":
        """Build a condition from resolved settings.

        No decay has one spelling (`l2` 0, schedule `none`), a constant decay has no cutoff step,
        an intervention that never comes has no size, a batch of all samples is no batch, and
        engine `auto` becomes the fastest exact engine, so equal runs are equal conditions.

        Args:
            settings: a value for every field.
            source: what the data source named by `data` offers.

        Raises:
            ValueError: the settings contradict each other; the message starts with the setting.
        """
        values = dict(settings)
        _check_decay(values)
        if values["settle_window"] == 0 and (values["settle_tolerance"] or values["settle_floor"]):
            name = "settle_tolerance" if values["settle_tolerance"] else "settle_floor"
            raise ValueError(f"{name}: has no effect without settle_window; give it too")
        for step, companions in COMPANIONS.items():
            if values[step] is None:
                values.update(companions)
        song = values["parametrisation"] == "song"
        if values["engine"] not in _ENGINES[song]:
            raise ValueError(
                f"engine: {values['engine']} does not serve parametrisation "
                f"{values['parametrisation']}; allowed: {', '.join(_ENGINES[song])}"
            )
        if song:
            _check_song(values)
        else:
            _check_mlp(values, source)
        own = cls(**{entry.name: _cast(entry.type, values[entry.name]) for entry in fields(cls)})
        if not own.two_layer:
            own.mlp_settings()
        return own

    @property
    def two_layer(self) -> bool:
        """Whether the engines of the two-layer network serve it, and not those of MLPs."""
        return self.parametrisation == "song"

    def mlp_settings(self) -> "MLPSettings":
        """The settings as the simulation of MLPs takes them.

        Raises:
            ValueError: they contradict each other; the message starts with the setting.
        """
        # Imported here: that package reads conditions.
        from feedback_alignment.simulate.mlp_settings import MLPSettings

        given = {f.name for f in fields(MLPSettings)} - {"loss"}
        values = {name: getattr(self, name) for name in given}
        return MLPSettings(loss=self.loss_function, **values)

    def settings(self) -> dict[str, Any]:
        """Every setting that can change its numbers, in field order; `case` is not among them."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self) if entry.compare}

    def identifier(self, seed: int) -> str:
        """A readable name with a digest of all settings and of the config's seed.

        Args:
            seed: the config's seed; it changes the numbers, so it changes the id.
        """
        digest = digest_of({"seed": seed, **self.settings()})[:10]
        decay = {"none": "", "constant": f"-l2_{self.l2:g}"}.get(
            self.schedule, f"-l2_{self.l2:g}-until_{self.cutoff_step}"
        )
        size = f"p{self.width}" if self.two_layer else f"p{self.width}x{self.depth}"
        return f"{self.activation}-{size}-{self.rule}{decay}-{digest}"

    def dataset(self) -> dict[str, Any]:
        """The settings that decide the data: conditions that agree on them share their data."""
        if self.data == TEACHER_STUDENT:
            names = ("data", "activation", "width", "samples", "dimension")
        else:
            names = ("data", "scaling", "samples", "dimension", "validation_samples", "dtype")
        return {name: getattr(self, name) for name in names}

    def dataset_identifier(self, seed: int) -> str:
        """A readable name for the data, with a digest of what decides it."""
        digest = digest_of({"seed": seed, **self.dataset()})[:10]
        size = f"n{self.samples}-d{self.dimension}"
        if self.data == TEACHER_STUDENT:
            size = f"{self.activation}-p{self.width}-{size}"
        return f"{self.data}-{size}-{digest}"


def _check_decay(values: dict[str, Any]) -> None:
    if values["l2"] == 0 or values["schedule"] == "none":
        values.update(l2=0.0, schedule="none", cutoff_step=None, decay_layers="output")
    elif values["schedule"] == "constant":
        values["cutoff_step"] = None
    elif values["cutoff_step"] is None:
        raise ValueError("cutoff_step: missing; schedule cutoff needs the step that ends it")
    elif values["cutoff_step"] >= values["steps"]:
        raise ValueError(
            f"cutoff_step: {values['cutoff_step']} is not before the last step; "
            f"allowed: 1 to {values['steps'] - 1} (steps is {values['steps']})"
        )


def _check_song(values: dict[str, Any]) -> None:
    for name, plain in {**MLP_ONLY, "loss_function": "half_sum"}.items():
        if values[name] != plain:
            raise ValueError(
                f"{name}: {_shown(values[name])} needs parametrisation standard or ntk; "
                f"{_only(plain)} with parametrisation song"
            )
    if values["rule"] not in TWO_LAYER_RULES:
        raise ValueError(
            f"rule: {values['rule']} needs parametrisation standard or ntk; "
            f"allowed with parametrisation song: {', '.join(TWO_LAYER_RULES)}"
        )
    values["device"] = "cpu"
    for name, default in (("samples", 50), ("dimension", 150)):
        if values[name] is None:
            values[name] = default
    unserved = [
        f"{name} {values[name]}"
        for name, served in LINEAR_ENGINE_SERVES.items()
        if values[name] not in served
    ]
    if values["engine"] == "auto":
        values["engine"] = "preactivation" if unserved else "linear"
    if values["engine"] == "linear" and unserved:
        raise ValueError(
            f"engine: linear does not serve {' with '.join(unserved)}; "
            "allowed: auto, preactivation, autograd"
        )
    if values["weights"] == "wishart" and values["engine"] != "linear":
        raise ValueError(
            f"weights: wishart needs the linear engine, not {values['engine']}; "
            "allowed: explicit, or activation linear with engine auto"
        )
    size = values["width"] * values["dimension"]
    if values["weights"] == "explicit" and size > _MOST_WEIGHTS:
        raise ValueError(
            f"width: {values['width']:g} is too wide for weights explicit; "
            f"allowed: {_MOST_WEIGHTS // values['dimension']} or less, or weights wishart"
        )


def _check_mlp(values: dict[str, Any], source: Source) -> None:
    for name, plain in TWO_LAYER_ONLY.items():
        if values[name] != plain:
            raise ValueError(
                f"{name}: {_shown(values[name])} needs parametrisation song; "
                f"{_only(plain)} with parametrisation {values['parametrisation']}"
            )
    if values["loss_function"] == "half_sum":
        raise ValueError(
            "loss_function: half_sum needs parametrisation song; allowed: half_mean, cross_entropy "
            f"with parametrisation {values['parametrisation']}"
        )
    if values["engine"] == "auto":
        values["engine"] = "minibatch"
    _check_data(values, source)
    if values["perturb_step"] is not None and values["perturb_size"] == 0:
        raise ValueError("perturb_size: missing; perturb_step needs a size above 0")
    if values["spectrum"] and values["loss_function"] != "half_mean":
        raise ValueError(
            "spectrum: K_FA tells stability for half_mean alone; allowed: only false with "
            f"loss_function {values['loss_function']}"
        )
    for name in ("batch_size", "metric_samples"):
        if values[name] > values["samples"]:
            raise ValueError(
                f"{name}: {values[name]} is more than the {values['samples']} training samples; "
                f"allowed: 0 (all) to {values['samples']}"
            )
        if values[name] == values["samples"]:
            values[name] = 0
    size = values["samples"] * source.classes
    if values["spectrum"] and size > LARGEST_OPERATOR:
        raise ValueError(
            f"spectrum: {size} errors (samples times outputs) are too many; "
            f"allowed: {LARGEST_OPERATOR}"
        )
    sizes = [values["dimension"], *[values["width"]] * values["depth"], source.classes]
    if sum(m * n for m, n in pairwise(sizes)) > _MOST_WEIGHTS:
        raise ValueError(
            f"width: {values['width']:g} with depth {values['depth']} is too large; "
            f"allowed: {_MOST_WEIGHTS} weights in all"
        )


def _check_data(values: dict[str, Any], source: Source) -> None:
    if values["data"] == TEACHER_STUDENT:
        for name, plain in (("scaling", "none"), ("validation_samples", 0)):
            if values[name] != plain:
                raise ValueError(f"{name}: {_only(plain)} with data {TEACHER_STUDENT}")
        if values["loss_function"] != "half_mean":
            raise ValueError(
                f"loss_function: {values['loss_function']} needs classes; "
                f"allowed: half_mean with data {TEACHER_STUDENT}"
            )
        for name, default in (("samples", 50), ("dimension", 150)):
            if values[name] is None:
                values[name] = default
        return
    held = values["validation_samples"]
    if held >= source.samples:
        raise ValueError(
            f"validation_samples: {held} leaves none of the {source.samples} training samples of "
            f"{values['data']}; allowed: 0 to {source.samples - 1}"
        )
    there = source.samples - held
    if values["samples"] is None:
        values["samples"] = there
    if values["samples"] > there:
        raise ValueError(
            f"samples: {values['samples']} is more than {values['data']} has; "
            f"allowed: 1 to {there}, or null for all"
        )
    if values["dimension"] is None:
        values["dimension"] = source.dimension
    most = min(source.dimension, values["samples"])
    if values["dimension"] not in (source.dimension, *range(1, most + 1)):
        raise ValueError(
            f"dimension: {values['dimension']} is not possible with {values['samples']} samples of "
            f"{values['data']}; allowed: 1 to {most} principal components, or null for all "
            f"{source.dimension} inputs"
        )


def _only(value: Any) -> str:
    return f"allowed: only {_shown(value)}"


def _shown(value: Any) -> str:
    return (
        "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    )


def digest_of(content: Any) -> str:
    """SHA-256 (hex) of a JSON-serialisable value in its canonical form."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _cast(kind: Any, value: Any) -> Any:
    # YAML gives 1 for 1.0 and 1e8 for 100000000; the digest must not see the difference.
    if kind is float:
        return float(value)
    if kind is int or (kind == int | None and value is not None):
        return int(value)
    return value
