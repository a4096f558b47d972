"""What a metric is: its name, meaning, unit and layers, and which runs have it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from feedback_alignment.data.sources import SYNTHETIC
from feedback_alignment.settings import TWO_LAYER

if TYPE_CHECKING:
    from feedback_alignment.conditions import Condition

    Which = Callable[[Condition], bool]

# The shallow conditions in words, and what only they or only the others have.
SONG = "`parametrisation: song` or `mean_field` with one output and the full batch"


def shallow(condition: "Condition") -> bool:
    """Whether a run is of the kind that Song 2021 analyses: full batch, one output, their network.

    Such a run records the quantities of the analysis. Its one hidden layer is all hidden layers,
    and its output weights are all that feedback stands for, so neither is recorded twice.
    """
    song = condition.parametrisation in TWO_LAYER and condition.data in SYNTHETIC
    return song and condition.batch_size == 0


def deep(condition: "Condition") -> bool:
    """All conditions but the shallow ones."""
    return not shallow(condition)


def always(condition: "Condition") -> bool:
    """All conditions."""
    return True


def with_setting(name: str) -> "Which":
    """The conditions in which a setting is on."""
    return lambda condition: bool(getattr(condition, name))


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: name in tables.
        meaning: what it is, with equation and source, in Markdown.
        unit: its unit; `1` for a pure number.
        layers: layers that it is recorded of, in Markdown; empty for the whole network.
        recorded: whether a condition's runs have it.
        when: the same in words, Markdown; empty for all runs.
        main_layer: the layer that a claim means unless it names one; empty for the whole network,
            None if it must name one.
        derived: whether it is derived from a whole course, with the run's `end_step` as its step.
    """

    name: str
    meaning: str
    unit: str = "1"
    layers: str = ""
    recorded: "Which" = always
    when: str = ""
    main_layer: str | None = ""
    derived: bool = False


SHALLOW = {"recorded": shallow, "when": SONG}
DEEP = {"recorded": deep, "when": f"all but {SONG}"}
KERNELS = {"recorded": with_setting("kernels"), "when": "`kernels: true`"}
LAW = {"recorded": with_setting("law"), "when": "`law: true`"}
