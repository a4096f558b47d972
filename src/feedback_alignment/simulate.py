"""Simulation, the one way to run: a condition and its data in, a recording out."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from feedback_alignment import engines
from feedback_alignment.conditions import LARGEST_OPERATOR, Condition
from feedback_alignment.engines.protocol import Engine
from feedback_alignment.metrics.kernels import expected_output_kernel
from feedback_alignment.metrics.recorded import keeps
from feedback_alignment.networks.activations import Activation
from feedback_alignment.streams import Streams
from feedback_alignment.training.batches import Samples, samples_of
from feedback_alignment.training.loop import drive
from feedback_alignment.training.recording import Recording
from feedback_alignment.training.setup import Setup, set_up

__all__ = ["Recording", "build_engine", "simulate"]


def simulate(
    condition: Condition,
    data: Mapping[str, np.ndarray],
    replicates: Sequence[int],
    *,
    seed: int,
    progress: Callable[[int], None] | None = None,
) -> Recording:
    """Train R replicates of a condition and record their metrics.

    On the CPU a replicate's numbers do not depend on which others share the block. For numbers
    that repeat across machines of one kind, run with one BLAS thread (`OMP_NUM_THREADS=1`).

    Args:
        condition: the settings. Its engine may be `auto`.
        data: arrays as `data.draw` makes them: `inputs` (R, n, d) or shared (n, d), `targets` of
            the same shape with outputs last, or without that axis for one output; with labelled
            data also `inputs_test` and `targets_test`.
        replicates: index of each replicate.
        seed: the config's seed, from which weights, feedback and batches are drawn.
        progress: called with the step reached, every few steps.

    Returns:
        The recorded metrics by name and layer: the layer is empty for the whole network; `1`, `2`,
        ... or `output` for one, `hidden` for all hidden layers, and `all`.

    Raises:
        ValueError: no engine serves the condition, or the data do not fit it; the message is one
            line.
        DeviceError: the condition's device is not there.
    """
    setup, engine = build_engine(condition, data, replicates, seed=seed)
    recording = drive(
        engine,
        len(replicates),
        setup.grid,
        setup.decay,
        setup.settling,
        setup.wanted,
        progress,
        setup.last_change,
    )
    values = {key: value for key, value in recording.values.items() if keeps(condition, *key)}
    if "lambda_min_EG" in setup.wanted:
        values["lambda_min_EG", ""] = _least_expected(data["inputs"], setup.activation, recording)
    return Recording(recording.steps, values, recording.status, recording.end_step)


def build_engine(
    condition: Condition,
    data: Mapping[str, np.ndarray],
    replicates: Sequence[int],
    *,
    seed: int,
) -> tuple[Setup, Engine]:
    """What a run is made of, with its engine at the initial state; arguments as for `simulate`.

    Raises:
        ValueError: see `simulate`.
        DeviceError: see `simulate`.
    """
    training, held_out = samples_of(data)
    _check_fit(condition, training, held_out, len(replicates))
    engine = engines.load(engines.choose(condition))
    streams = Streams(seed, condition.width, condition.samples)
    setup = set_up(condition, training.inputs.shape[-1], training.targets.shape[-1])
    return setup, engine.build(setup, training, held_out, streams, replicates)


def _check_fit(
    condition: Condition, training: Samples, held_out: Samples | None, replicates: int
) -> None:
    for name, samples in (("training", training), ("held_out", held_out)):
        if samples is not None and not samples.shared and len(samples.inputs) != replicates:
            raise ValueError(
                f"{name}: samples of {len(samples.inputs)} replicates; "
                f"allowed: {replicates}, or one set for all"
            )
    found = training.inputs.shape[-2:]
    if found != (condition.samples, condition.dimension):
        raise ValueError(
            f"inputs: {found} do not fit the condition's (samples, dimension) = "
            f"{(condition.samples, condition.dimension)}"
        )
    size = training.size * training.targets.shape[-1]
    if condition.spectrum and size > LARGEST_OPERATOR:
        raise ValueError(
            f"spectrum: {size} errors (samples times outputs); allowed: {LARGEST_OPERATOR}"
        )


def _least_expected(inputs: np.ndarray, activation: Activation, recording: Recording) -> np.ndarray:
    """Least eigenvalue of the expected kernel, a quantity of the initial network: at step 0."""
    column = np.full((len(recording.status), recording.steps.size), np.nan)
    for lane, x in enumerate(np.broadcast_to(inputs, (len(column), *inputs.shape[-2:]))):
        column[lane, 0] = np.linalg.eigvalsh(expected_output_kernel(x, activation))[0]
    return column
