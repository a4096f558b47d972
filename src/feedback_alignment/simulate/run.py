"""One training run, of either kind of network: a condition and its data in, a recording out."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from feedback_alignment.conditions import Condition
from feedback_alignment.simulate import simulate
from feedback_alignment.simulate.mlp import simulate_mlp
from feedback_alignment.simulate.recording import Recording
from feedback_alignment.simulate.samples import Samples


def run(
    condition: Condition,
    arrays: Mapping[str, np.ndarray],
    seed: int,
    replicates: Sequence[int],
    progress: Callable[[int], None] | None = None,
) -> Recording:
    """Train a block of replicates of a condition.

    Args:
        condition: the settings.
        arrays: the data, as `data.draw` makes them.
        seed: the config's seed.
        replicates: index of each replicate.
        progress: called with the step reached, every few steps.

    Raises:
        ValueError: the data do not fit the condition.
        DeviceError: the condition's device is not there.
    """
    inputs, targets = arrays["inputs"], arrays["targets"]
    if condition.two_layer:
        return simulate(condition, inputs, targets, seed, replicates, progress)
    held_out = None
    if "inputs_test" in arrays:
        held_out = Samples(arrays["inputs_test"], arrays["targets_test"])
    else:
        targets = targets[..., None]
    training = Samples(inputs, targets)
    return simulate_mlp(condition.mlp_settings(), training, held_out, seed, replicates, progress)
