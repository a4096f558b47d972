"""One condition of an experiment: a valid, canonical combination of settings, and its id."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from pydantic import Field, ValidationError

from feedback_alignment.data.sources import SYNTHETIC, Source
from feedback_alignment.errors import ConfigError, described
from feedback_alignment.settings import DEFAULTS, TWO_LAYER, Settings, needs_of
from feedback_alignment.specification import digest_of

# Weights of one replicate: 4 GB.
_MOST_WEIGHTS = 500_000_000
# The operator K takes n^2 numbers, and its eigenvalues n^3 operations.
LARGEST_OPERATOR = 4000
# What these are needed for is refused without them, not passed over.
_REFUSED = ("spectrum", "settle_window")


class Condition(Settings):
    """The settings of one training run, shared by all of its replicates.

    Conditions are equal if they have the same numbers: their cases do not count. Build one with
    `Condition.from_settings`: it gives equal settings one form.
    """

    # How many there are is resolved; `...` asks for them, where Settings has a default.
    samples: int = Field(default=...)
    dimension: int = Field(default=...)

    def __init__(self, **settings: Any) -> None:
        """Take settings that are resolved already; those left out have their defaults.

        Raises:
            ConfigError: a setting is unknown, or its value is not allowed.
        """
        try:
            super().__init__(**settings)
        except ValidationError as error:
            raise ConfigError(described(error, type(self))) from None

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], source: Source) -> "Condition":
        """Build a condition from resolved settings.

        No decay has one spelling (`l2` 0, schedule `none`), what has no effect has its default,
        and a batch of all samples is no batch, so equal runs are equal conditions. Which engine
        computes it is left as it is given.

        Args:
            settings: a value for every setting.
            source: what the data source named by `data` offers.

        Raises:
            ValueError: the settings contradict each other; the message starts with the setting.
        """
        values = dict(settings)
        _check_decay(values)
        for name, default in DEFAULTS.items():
            need = needs_of(name)
            if need and need.setting not in _REFUSED and not need.met(values):
                values[name] = default
        _check_data(values, source)
        _check_sizes(values, source)
        if values["settle_after"] > values["steps"]:
            raise ValueError(
                f"settle_after: {values['settle_after']} is after the last step; "
                f"allowed: 0 to {values['steps']} (steps is {values['steps']})"
            )
        if values["perturb_step"] is not None and values["perturb_size"] == 0:
            raise ValueError("perturb_size: missing; perturb_step needs a size above 0")
        return cls(**values)

    def settings(self) -> dict[str, Any]:
        """Every setting that can change its numbers; `case` is not among them."""
        return self.model_dump(exclude={"case"})

    def __eq__(self, other: object) -> bool:
        """Whether two conditions have the same numbers."""
        return isinstance(other, Condition) and self.settings() == other.settings()

    def __hash__(self) -> int:
        """Equal for conditions of the same numbers."""
        return hash(tuple(self.settings().values()))

    def identifier(self, seed: int) -> str:
        """A readable name with a digest of all settings and of the config's seed.

        Args:
            seed: the config's seed; it changes the numbers, so it changes the id.
        """
        digest = digest_of({"seed": seed, **self.settings()})[:10]
        decay = {"none": "", "constant": f"-l2_{self.l2:g}"}.get(
            self.schedule, f"-l2_{self.l2:g}-until_{self.cutoff_step}"
        )
        shallow = self.parametrisation in TWO_LAYER
        size = f"p{self.width}" if shallow else f"p{self.width}x{self.depth}"
        return f"{self.activation}-{size}-{self.rule}{decay}-{digest}"

    def dataset(self) -> dict[str, Any]:
        """The settings that decide the data: conditions that agree on them share their data."""
        if self.data == "teacher_student":
            names = ("data", "activation", "width", "samples", "dimension")
        elif self.data in SYNTHETIC:
            names = ("data", "width", "samples", "dimension")
        else:
            names = ("data", "scaling", "samples", "dimension", "validation_samples", "dtype")
        return {name: getattr(self, name) for name in names}

    def dataset_identifier(self, seed: int) -> str:
        """A readable name for the data, with a digest of what decides it."""
        digest = digest_of({"seed": seed, **self.dataset()})[:10]
        size = f"n{self.samples}-d{self.dimension}"
        if self.data in SYNTHETIC:
            size = f"p{self.width}-{size}"
        if "activation" in self.dataset():
            size = f"{self.activation}-{size}"
        return f"{self.data}-{size}-{digest}"


def _check_decay(values: dict[str, Any]) -> None:
    if values["l2"] == 0 or values["schedule"] == "none":
        values.update(l2=0.0, schedule="none")
    elif values["schedule"] == "cutoff" and values["cutoff_step"] is None:
        raise ValueError("cutoff_step: missing; schedule cutoff needs the step that ends it")
    elif values["schedule"] == "cutoff" and values["cutoff_step"] >= values["steps"]:
        raise ValueError(
            f"cutoff_step: {values['cutoff_step']} is not before the last step; "
            f"allowed: 1 to {values['steps'] - 1} (steps is {values['steps']})"
        )


def _check_data(values: dict[str, Any], source: Source) -> None:
    """Resolve how many samples and inputs there are."""
    if values["data"] in SYNTHETIC:
        for name in ("scaling", "validation_samples"):
            if values[name] != DEFAULTS[name]:
                raise ValueError(
                    f"{name}: allowed: only {DEFAULTS[name]} with data {values['data']}"
                )
        if values["loss_function"] == "cross_entropy":
            raise ValueError(
                "loss_function: cross_entropy needs classes; "
                f"allowed: half_sum, half_mean, mse with data {values['data']}"
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


def _check_sizes(values: dict[str, Any], source: Source) -> None:
    """Refuse what no memory holds, and parts of the samples that are more than all."""
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
    if values["weights"] != "explicit":
        return
    inputs, width, depth = values["dimension"], values["width"], values["depth"]
    sizes = [inputs, *[width] * depth, source.classes]
    if sum(m * n for m, n in pairwise(sizes)) <= _MOST_WEIGHTS:
        return
    if values["parametrisation"] in TWO_LAYER:
        most = _MOST_WEIGHTS // (inputs + source.classes)
        raise ValueError(
            f"width: {width:g} is too wide for weights explicit; "
            f"allowed: {most} or less, or weights wishart"
        )
    raise ValueError(
        f"width: {width:g} with depth {depth} is too large; allowed: {_MOST_WEIGHTS} weights in all"
    )
