"""Simulation: one condition for a block of replicates, from data to recorded metrics."""

from collections.abc import Callable, Sequence

import numpy as np

from feedback_alignment.activations import activation_named
from feedback_alignment.conditions import Condition
from feedback_alignment.metrics.kernels import expected_output_kernel
from feedback_alignment.networks import draw_two_layer
from feedback_alignment.regularisers import decay_named
from feedback_alignment.rules import rule_named
from feedback_alignment.simulate.driver import Engine, drive
from feedback_alignment.simulate.gram import explicit_gram, wishart_gram
from feedback_alignment.simulate.linear import LINEAR_ENGINES
from feedback_alignment.simulate.preactivation import PreactivationEngine
from feedback_alignment.simulate.recording import Recording, recording_grid
from feedback_alignment.simulate.stopping import Settling

__all__ = ["Recording", "build_engine", "simulate"]


def simulate(
    condition: Condition,
    inputs: np.ndarray,
    targets: np.ndarray,
    seed: int,
    replicates: Sequence[int],
    progress: Callable[[int], None] | None = None,
) -> Recording:
    """Train R replicates of a condition and record their metrics.

    A replicate's numbers do not depend on which others share the block. For numbers that repeat
    across machines of one kind, run with one BLAS thread (`OMP_NUM_THREADS=1`).

    Args:
        condition: the settings.
        inputs: X (R, n, d).
        targets: y (R, n).
        seed: the config's seed, from which initial weights are drawn.
        replicates: index of each replicate.
        progress: called with the step reached, every few steps.

    Raises:
        ValueError: the shapes do not fit the condition, or no engine serves it.
    """
    engine = build_engine(condition, inputs, targets, seed, replicates)
    decay = decay_named(condition.schedule, condition.l2, condition.cutoff_step)
    grid = recording_grid(condition.steps, condition.points_per_decade, condition.linear_points)
    recording = drive(
        engine,
        len(replicates),
        # A change of the decay shows in the course only if it lies on the grid.
        np.union1d(grid, np.array(decay.change_steps, dtype=np.int64)),
        decay,
        Settling(condition.settle_tolerance, condition.settle_window, condition.settle_floor),
        condition.kernels,
        progress,
    )
    if condition.kernels:
        psi = activation_named(condition.activation)
        least = [np.linalg.eigvalsh(expected_output_kernel(x, psi))[0] for x in inputs]
        column = np.full((len(replicates), recording.steps.size), np.nan)
        column[:, 0] = least
        recording.values["lambda_min_EG"] = column
    return recording


def build_engine(
    condition: Condition,
    inputs: np.ndarray,
    targets: np.ndarray,
    seed: int,
    replicates: Sequence[int],
) -> Engine:
    """The engine that a condition names, at its initial state; arguments as for `simulate`.

    Raises:
        ValueError: the shapes do not fit the condition, or no engine serves it.
    """
    expected = (len(replicates), condition.samples, condition.dimension)
    if inputs.shape != expected or targets.shape != expected[:2]:
        raise ValueError(
            f"inputs {inputs.shape} and targets {targets.shape} do not fit "
            f"(replicates, samples, dimension) = {expected}"
        )
    if condition.depth != 1:
        raise ValueError(f"engine {condition.engine} serves depth 1, not {condition.depth}")
    rule, psi = rule_named(condition.rule), activation_named(condition.activation)
    if condition.engine == "linear":
        return _linear_engine(condition, inputs, targets, seed, replicates)
    if condition.weights != "explicit":
        raise ValueError(f"weights {condition.weights} need engine linear, not {condition.engine}")
    if condition.engine not in ("preactivation", "autograd"):
        raise ValueError(
            f"unknown engine {condition.engine!r}; allowed: linear, preactivation, autograd"
        )
    networks = [draw_two_layer(seed, r, condition.width, condition.dimension) for r in replicates]
    settings = inputs, targets, networks, rule, psi, condition.eta, condition.dtype
    if condition.engine == "preactivation":
        return PreactivationEngine(*settings)
    # Imports torch.
    from feedback_alignment.simulate.reference import ReferenceEngine

    return ReferenceEngine(*settings)


def _linear_engine(
    condition: Condition,
    inputs: np.ndarray,
    targets: np.ndarray,
    seed: int,
    replicates: Sequence[int],
) -> Engine:
    if condition.activation != "linear":
        raise ValueError(f"engine linear serves activation linear, not {condition.activation}")
    if condition.dtype != "float64":
        raise ValueError(f"engine linear computes in float64, not {condition.dtype}")
    if condition.rule not in LINEAR_ENGINES:
        raise ValueError(f"engine linear serves rules {', '.join(LINEAR_ENGINES)}")
    powers, modes = np.linalg.eigh(inputs @ inputs.mT)
    powers = np.maximum(powers, 0.0)
    grams = []
    for x, k, U, replicate in zip(inputs, powers, modes, replicates, strict=True):
        if condition.weights == "explicit":
            grams.append(explicit_gram(U, x, seed, replicate, condition.width))
        elif condition.weights == "wishart":
            grams.append(wishart_gram(k, seed, replicate, condition.width))
        else:
            raise ValueError(f"unknown weights {condition.weights!r}; allowed: explicit, wishart")
    rotated = np.matvec(modes.mT, targets)
    return LINEAR_ENGINES[condition.rule](
        np.stack(grams), powers, rotated, condition.width, condition.eta
    )
