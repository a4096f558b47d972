"""The start of one lane of an MLP run, and what interventions make of it."""

from collections.abc import Sequence

from feedback_alignment.mlp import draw_feedback, draw_mlp
from feedback_alignment.rules import Rule
from feedback_alignment.simulate.interventions import (
    Intervention,
    LaneStreams,
    Stage,
    acts_at,
)
from feedback_alignment.simulate.mlp_settings import MLPSettings
from feedback_alignment.streams import generator


def start_lane(
    settings: MLPSettings, sizes: Sequence[int], seed: int, replicate: int
) -> tuple[Stage, LaneStreams]:
    """A lane at step 0, before any intervention, and its sources of randomness.

    Args:
        settings: of the run.
        sizes: n_0 ... n_L.
        seed: the config's seed.
        replicate: index of the replicate.
    """
    scale, distribution = settings.feedback_scale, settings.feedback_distribution
    network = draw_mlp(seed, replicate, sizes, settings.init_scale, settings.bias)
    redraws = generator(seed, replicate, "redraw")

    def next_feedback(rule: Rule) -> tuple:
        return draw_feedback(redraws, sizes, rule, scale, distribution)

    def initial_feedback(rule: Rule) -> tuple:
        fresh = generator(seed, replicate, "feedback")
        return draw_feedback(fresh, sizes, rule, scale, distribution)

    measured = settings.measured_rule()
    drawn = initial_feedback(measured)
    network = type(network)(network.weights, network.biases, drawn)
    stage = Stage(network, settings.training_rule(), measured, False, drawn)
    perturbation = generator(seed, replicate, "perturbation")
    return stage, LaneStreams(initial_feedback, next_feedback, perturbation)


def null_feedback(
    settings: MLPSettings, sizes: Sequence[int], rule: Rule, seed: int, replicate: int
) -> tuple:
    """Feedback for a rule that has no part in training; empty if the run records no null."""
    if not settings.null_alignment:
        return ()
    stream = generator(seed, replicate, "probes")
    scale, distribution = settings.feedback_scale, settings.feedback_distribution
    return draw_feedback(stream, sizes, rule, scale, distribution)


def intervene(
    interventions: Sequence[Intervention], step: int, stage: Stage, streams: LaneStreams
) -> Stage:
    """A lane after the interventions of a step, in their order; the same object without any."""
    for intervention in interventions:
        if acts_at(intervention, step):
            stage = intervention.act(stage, streams)
    return stage
