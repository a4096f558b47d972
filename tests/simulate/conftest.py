"""Conditions and data for small simulations."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from feedback_alignment.conditions import MLP_ONLY, TWO_LAYER_ONLY, Condition
from feedback_alignment.data.draw import draw
from feedback_alignment.intervention_steps import COMPANIONS
from feedback_alignment.simulate import Recording, simulate

torch.set_num_threads(1)

SEED = 11
SETTINGS = {
    **TWO_LAYER_ONLY,
    **MLP_ONLY,
    **{name: value for brought in COMPANIONS.values() for name, value in brought.items()},
    "parametrisation": "song",
    "loss_function": "half_sum",
    "rule": "fa",
    "l2": 0.0,
    "schedule": "none",
    "cutoff_step": None,
    "activation": "tanh",
    "width": 30,
    "samples": 8,
    "dimension": 15,
    "eta": 1e-3,
    "steps": 300,
    "engine": "preactivation",
    "dtype": "float64",
    "device": "cpu",
    "points_per_decade": 3,
    "linear_points": 4,
    "settle_tolerance": 0.0,
    "settle_window": 0,
    "settle_floor": 0.0,
}


@pytest.fixture
def condition() -> Callable[..., Condition]:
    """Builds a small condition with some settings changed."""
    return lambda **changes: Condition(**SETTINGS | changes)


@pytest.fixture
def data() -> Callable[[Condition, Sequence[int]], tuple[np.ndarray, np.ndarray]]:
    """Draws a condition's data for some replicates."""

    def draw_data(condition: Condition, replicates: Sequence[int]):
        names = ("activation", "width", "samples", "dimension")
        sizes = {name: getattr(condition, name) for name in names}
        arrays = draw({"data": "teacher_student", **sizes}, SEED, replicates)
        return arrays["inputs"], arrays["targets"]

    return draw_data


@pytest.fixture
def run(data) -> Callable[[Condition, Sequence[int]], Recording]:
    """Simulates a condition on its data for some replicates."""

    def simulate_condition(condition: Condition, replicates: Sequence[int]) -> Recording:
        return simulate(condition, *data(condition, replicates), SEED, replicates)

    return simulate_condition
