"""The start of one lane, and what interventions make of it."""

import numpy as np

from feedback_alignment.networks.parameters import draw_feedback, draw_network
from feedback_alignment.rules.rule import Rule
from feedback_alignment.streams import Streams
from feedback_alignment.training.interventions import LaneStreams, Stage, acts_at
from feedback_alignment.training.setup import Setup


def start_lane(setup: Setup, streams: Streams, replicate: int) -> tuple[Stage, LaneStreams]:
    """A lane at step 0, before any intervention, and its sources of randomness.

    Args:
        setup: of the run.
        streams: the run's random streams.
        replicate: index of the replicate.
    """
    settings, sizes = setup.condition, setup.sizes
    network = draw_network(
        streams, replicate, sizes, settings.init_scale, settings.bias, settings.parametrisation
    )
    redraws = streams.generator(replicate, "redraw")

    def next_feedback(rule: Rule) -> tuple:
        return _draw_feedback(setup, rule, redraws)

    def initial_feedback(rule: Rule) -> tuple:
        return _draw_feedback(setup, rule, streams.generator(replicate, "feedback"))

    drawn = initial_feedback(setup.measured)
    network = type(network)(network.weights, network.biases, drawn)
    stage = Stage(network, setup.rule, setup.measured, False, drawn)
    perturbation = streams.generator(replicate, "perturbation")
    return stage, LaneStreams(initial_feedback, next_feedback, perturbation)


def null_feedback(setup: Setup, rule: Rule, streams: Streams, replicate: int) -> tuple:
    """Feedback for a rule that has no part in training."""
    return _draw_feedback(setup, rule, streams.generator(replicate, "probes"))


def _draw_feedback(setup: Setup, rule: Rule, stream: np.random.Generator) -> tuple:
    settings = setup.condition
    kind = settings.feedback_scale, settings.feedback_distribution, settings.parametrisation
    return draw_feedback(stream, setup.sizes, rule, *kind)


def intervene(setup: Setup, step: int, stage: Stage, streams: LaneStreams) -> Stage:
    """A lane after the interventions of a step, in their order; the same object without any."""
    for intervention in setup.interventions:
        if acts_at(intervention, step):
            stage = intervention.act(stage, streams)
    return stage
