"""Small conditions with their data, and ways to run them, for tests of all that simulates."""

from typing import Any

import numpy as np
import torch

from feedback_alignment.conditions import Condition
from feedback_alignment.data.draw import draw
from feedback_alignment.settings import DEFAULTS
from feedback_alignment.simulate import Recording, build_engine, simulate
from feedback_alignment.training.batches import Samples
from feedback_alignment.training.setup import Setup, set_up

torch.set_num_threads(1)

SONG = {
    **DEFAULTS,
    "schedule": "none",
    "activation": "tanh",
    "width": 30,
    "samples": 8,
    "dimension": 15,
    "steps": 300,
    "engine": "preactivation",
    "points_per_decade": 3,
    "linear_points": 4,
}
DEEP = {
    **DEFAULTS,
    "schedule": "none",
    "parametrisation": "standard",
    "loss_function": "half_mean",
    # Labelled, so that runs have an accuracy.
    "data": "digits",
    "samples": 20,
    "dimension": 8,
    "activation": "tanh",
    "bias": True,
    "eta": 0.05,
    "engine": "minibatch",
    "dtype": "float32",
    "points_per_decade": 0,
    "linear_points": 20,
}


def song(**changes: Any) -> Condition:
    """A small network of Song 2021, with some settings changed."""
    return Condition(**SONG | changes)


def deep(**changes: Any) -> Condition:
    """A small network in the standard parametrisation, with some settings changed."""
    return Condition(**DEEP | changes)


def changed(condition: Condition, **changes: Any) -> Condition:
    """A condition with some settings changed."""
    return Condition(**condition.settings() | changes)


def fitting(condition: Condition, training: Samples) -> Condition:
    """The condition with the sizes of the samples."""
    samples, dimension = training.inputs.shape[-2:]
    return changed(condition, samples=samples, dimension=dimension)


def data_of(training: Samples, held_out: Samples | None = None) -> dict[str, np.ndarray]:
    """Samples as arrays of data."""
    data = {"inputs": training.inputs, "targets": training.targets}
    if held_out is not None:
        data |= {"inputs_test": held_out.inputs, "targets_test": held_out.targets}
    return data


def drawn(condition: Condition, replicates, seed: int) -> dict[str, np.ndarray]:
    """Synthetic data of a condition."""
    return draw(condition.dataset(), seed, replicates)


def simulate_on(condition, training, held_out, seed, replicates) -> Recording:
    """What a condition records on some samples."""
    data = data_of(training, held_out)
    return simulate(fitting(condition, training), data, replicates, seed=seed)


def engine_on(condition, training, held_out, seed, replicates):
    """The engine of a condition on some samples, at its initial state."""
    data = data_of(training, held_out)
    return build_engine(fitting(condition, training), data, replicates, seed=seed)[1]


def setup_on(condition: Condition, training: Samples) -> Setup:
    """What a run is made of."""
    outputs = training.targets.shape[-1]
    return set_up(fitting(condition, training), training.inputs.shape[-1], outputs)
