"""One condition of an experiment: every setting that can change its numbers, and its id."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

# The algebra of the reduced engine is each rule's own, and needs the range of float64.
LINEAR_ENGINE_SERVES = {"activation": ("linear",), "rule": ("bp", "fa"), "dtype": ("float64",)}
# Explicit hidden weights of one replicate: 4 GB.
_MOST_WEIGHTS = 500_000_000


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
    activation: str
    width: int
    depth: int
    data: str
    samples: int
    dimension: int
    eta: float
    steps: int
    engine: str
    weights: str
    dtype: str
    points_per_decade: int
    linear_points: int
    kernels: bool
    settle_tolerance: float
    settle_window: int
    settle_floor: float

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "Condition":
        """Build a condition from resolved settings.

        No decay has one spelling (`l2` 0, schedule `none`), a constant decay has no cutoff step,
        and engine `auto` becomes the fastest exact engine, so equal runs are equal conditions.

        Args:
            settings: a value for every field.

        Raises:
            ValueError: the settings contradict each other; the message starts with the setting.
        """
        values = dict(settings)
        if values["l2"] == 0 or values["schedule"] == "none":
            values.update(l2=0.0, schedule="none", cutoff_step=None)
        elif values["schedule"] == "constant":
            values["cutoff_step"] = None
        elif values["cutoff_step"] is None:
            raise ValueError("cutoff_step: missing; schedule cutoff needs the step that ends it")
        elif values["cutoff_step"] >= values["steps"]:
            raise ValueError(
                f"cutoff_step: {values['cutoff_step']} is not before the last step; "
                f"allowed: 1 to {values['steps'] - 1} (steps is {values['steps']})"
            )
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
                "allowed: auto, preactivation, reference"
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
        return cls(**{field.name: _cast(field.type, values[field.name]) for field in fields(cls)})

    def settings(self) -> dict[str, Any]:
        """The condition as a plain mapping, in field order."""
        return asdict(self)

    def identifier(self, seed: int) -> str:
        """A readable name with a digest of all settings and of the config's seed.

        Args:
            seed: the config's seed; it changes the numbers, so it changes the id.
        """
        digest = digest_of({"seed": seed, **self.settings()})[:10]
        decay = {"none": "", "constant": f"-l2_{self.l2:g}"}.get(
            self.schedule, f"-l2_{self.l2:g}-until_{self.cutoff_step}"
        )
        return f"{self.activation}-p{self.width}-{self.rule}{decay}-{digest}"

    def dataset(self) -> dict[str, Any]:
        """The settings that decide the data: conditions that agree on them share their data."""
        return {
            name: getattr(self, name)
            for name in ("data", "activation", "width", "samples", "dimension")
        }

    def dataset_identifier(self, seed: int) -> str:
        """A readable name for the data, with a digest of what decides it."""
        digest = digest_of({"seed": seed, **self.dataset()})[:10]
        size = f"n{self.samples}-d{self.dimension}"
        return f"{self.data}-{self.activation}-p{self.width}-{size}-{digest}"


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
