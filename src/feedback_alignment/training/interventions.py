"""Interventions in a run, as data: what is done to a network at which steps. They compose.

An intervention at step s comes between the updates to s and from s: what is recorded at s is the
network after it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from feedback_alignment.networks.parameters import Network
from feedback_alignment.networks.passes import replaced_weights
from feedback_alignment.rules.bp import BP
from feedback_alignment.rules.rule import Rule


@dataclass(frozen=True)
class Stage:
    """What interventions act on: one lane, and how it is trained.

    Attributes:
        network: the parameters.
        rule: what trains the network.
        measured: what alignments compare with BP: `rule`, or where that is BP the rule before it,
            or else the next one. The network's feedback belongs to it.
        frozen: whether the hidden layers keep their weights and biases.
        drawn: the feedback weights last drawn, of the network's feedback's shapes.
    """

    network: Network
    rule: Rule
    measured: Rule
    frozen: bool
    drawn: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class LaneStreams:
    """One lane's sources of randomness.

    Attributes:
        initial_feedback: the feedback of a rule that trains from the start.
        next_feedback: fresh feedback for a rule, other at each call.
        perturbation: stream of perturbations.
    """

    initial_feedback: Callable[[Rule], tuple[np.ndarray, ...]]
    next_feedback: Callable[[Rule], tuple[np.ndarray, ...]]
    perturbation: np.random.Generator


class Intervention(Protocol):
    """Something done to every lane.

    Attributes:
        step: the first step at which it acts.
        every: steps between its further acts; 0 for none.
    """

    @property
    def step(self) -> int: ...  # noqa: D102

    @property
    def every(self) -> int: ...  # noqa: D102

    def act(self, stage: Stage, streams: LaneStreams) -> Stage:
        """What becomes of a lane."""
        ...


def acts_at(intervention: Intervention, step: int) -> bool:
    """Whether an intervention acts at a step."""
    since = step - intervention.step
    return since == 0 or (since > 0 and intervention.every > 0 and since % intervention.every == 0)


@dataclass(frozen=True)
class SwitchRule:
    """Train by another rule from a step on.

    A rule with feedback of another kind gets the feedback that it would have had from the start.
    """

    step: int
    rule: Rule
    every: int = 0

    def act(self, stage: Stage, streams: LaneStreams) -> Stage:
        """See `Intervention`."""
        if self.rule is BP:
            return replace(stage, rule=BP)
        old, new = stage.measured, self.rule
        if (old.path, old.distribution) != (new.path, new.distribution):
            drawn = streams.initial_feedback(new)
            stage = replace(stage, network=replace(stage.network, feedback=drawn), drawn=drawn)
        return replace(stage, rule=new, measured=new)


@dataclass(frozen=True)
class RedrawFeedback:
    """Draw new feedback weights: the null control, feedback that the weights do not know."""

    step: int
    every: int = 0

    def act(self, stage: Stage, streams: LaneStreams) -> Stage:
        """See `Intervention`."""
        drawn = streams.next_feedback(stage.measured)
        return replace(stage, network=replace(stage.network, feedback=drawn), drawn=drawn)


@dataclass(frozen=True)
class TieFeedback:
    """Set the feedback at an angle to the weights W that it stands for.

    `B = ||W|| (cos(theta) W / ||W|| + sin(theta) R / ||R||)`, where R is the part of the last
    drawn feedback orthogonal to W, so that the weight alignment of each layer is `cos(theta)`.

    Attributes:
        angle: theta in degrees.
    """

    step: int
    angle: float
    every: int = 0

    def act(self, stage: Stage, streams: LaneStreams) -> Stage:
        """See `Intervention`."""
        theta = np.deg2rad(self.angle)
        tied = []
        for W, R in zip(replaced_weights(stage.network, stage.measured), stage.drawn, strict=True):
            norm = np.linalg.norm(W)
            R = R - np.sum(R * W) / norm**2 * W
            tied.append(np.cos(theta) * W + np.sin(theta) * norm / np.linalg.norm(R) * R)
        return replace(stage, network=replace(stage.network, feedback=tuple(tied)))


@dataclass(frozen=True)
class PerturbWeights:
    """Add normal noise to the weights of every layer, and to biases that are not zero.

    Attributes:
        size: norm of the noise relative to that of the weight matrix, or of the bias vector.
    """

    step: int
    size: float
    every: int = 0

    def act(self, stage: Stage, streams: LaneStreams) -> Stage:
        """See `Intervention`."""

        def perturbed(x: np.ndarray) -> np.ndarray:
            noise = streams.perturbation.standard_normal(x.shape)
            return x + self.size * np.linalg.norm(x) / np.linalg.norm(noise) * noise

        weights = tuple(perturbed(x) for x in stage.network.weights)
        biases = tuple(perturbed(x) for x in stage.network.biases)
        return replace(stage, network=replace(stage.network, weights=weights, biases=biases))


@dataclass(frozen=True)
class FreezeHidden:
    """Train the output layer alone from a step on; hidden layers do not decay either."""

    step: int
    every: int = 0

    def act(self, stage: Stage, streams: LaneStreams) -> Stage:
        """See `Intervention`."""
        return replace(stage, frozen=True)
