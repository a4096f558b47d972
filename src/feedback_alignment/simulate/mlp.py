"""Simulation of MLPs: a block of replicates, from data to recorded metrics."""

from collections.abc import Callable, Sequence

from feedback_alignment.conditions import LARGEST_OPERATOR
from feedback_alignment.simulate.driver import Engine, drive
from feedback_alignment.simulate.minibatch import MinibatchEngine
from feedback_alignment.simulate.mlp_settings import MLPSettings
from feedback_alignment.simulate.recording import Recording
from feedback_alignment.simulate.samples import Samples
from feedback_alignment.simulate.stopping import Settling

__all__ = ["MLPSettings", "Samples", "build_mlp_engine", "simulate_mlp"]

# What a metric without a layer of its own is about, where that is not the whole network.
_LAYER_OF = {"weight_alignment": "all"}


def simulate_mlp(
    settings: MLPSettings,
    training: Samples,
    held_out: Samples | None,
    seed: int,
    replicates: Sequence[int],
    progress: Callable[[int], None] | None = None,
) -> Recording:
    """Train R replicates of an MLP and record their metrics.

    A replicate's numbers do not depend on which others share the block. For numbers that repeat
    across machines of one kind, run with one BLAS thread (`OMP_NUM_THREADS=1`).

    Args:
        settings: of the run.
        training: what to train on; losses, gradients and alignments are those of all of it.
        held_out: what to judge the accuracy by; None for no accuracy, as in a regression.
        seed: the config's seed, from which weights, feedback and batches are drawn.
        replicates: index of each replicate.
        progress: called with the step reached, every few steps.

    Returns:
        A recording whose values are named by metric and layer: `(metric, layer)`. The layer is
        empty for the whole network; `1`, `2`, ... or `output` for one, `hidden` for all hidden
        layers, and `all`.

    Raises:
        ValueError: the samples do not fit the settings or the replicates.
    """
    recording = drive(
        build_mlp_engine(settings, training, held_out, seed, replicates),
        len(replicates),
        settings.grid(),
        settings.decay(),
        Settling(settings.settle_tolerance, settings.settle_window, settings.settle_floor),
        settings.spectrum,
        progress,
        max((0, *(intervention.step for intervention in settings.interventions()))),
    )
    values = {
        (key, _LAYER_OF.get(key, "")) if isinstance(key, str) else key: value
        for key, value in recording.values.items()
    }
    return Recording(recording.steps, values, recording.status, recording.end_step)


def build_mlp_engine(
    settings: MLPSettings,
    training: Samples,
    held_out: Samples | None,
    seed: int,
    replicates: Sequence[int],
) -> Engine:
    """The engine that the settings name, at its initial state; arguments as for `simulate_mlp`.

    Raises:
        ValueError: the samples do not fit the settings or the replicates.
    """
    for name, samples in (("training", training), ("held_out", held_out)):
        if samples is not None and not samples.shared and len(samples.inputs) != len(replicates):
            raise ValueError(
                f"{name}: samples of {len(samples.inputs)} replicates; "
                f"allowed: {len(replicates)}, or one set for all"
            )
    for name in ("batch_size", "metric_samples"):
        if getattr(settings, name) > training.size:
            raise ValueError(f"{name}: {getattr(settings, name)}; allowed: up to {training.size}")
    size = training.size * training.targets.shape[-1]
    if settings.spectrum and size > LARGEST_OPERATOR:
        raise ValueError(
            f"spectrum: {size} errors (samples times outputs); allowed: {LARGEST_OPERATOR}"
        )
    if settings.engine == "autograd":
        from feedback_alignment.simulate.mlp_reference import ReferenceMLPEngine

        return ReferenceMLPEngine(settings, training, held_out, seed, replicates)
    return MinibatchEngine(settings, training, held_out, seed, replicates)
