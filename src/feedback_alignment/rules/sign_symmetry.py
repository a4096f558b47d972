"""Uniform sign symmetry: the error returns through the signs of the forward weights."""

from feedback_alignment.engines.arrays import sign
from feedback_alignment.rules.rule import Rule, Weights


def _signs_of_forward(forward: Weights, feedback: Weights) -> Weights:
    # Feedback drawn as signs has one magnitude: that of the feedback of other rules.
    return sign(forward) * abs(feedback)


USF = Rule(
    name="usf",
    label="uSF",
    equation=r"\delta_l = s_{l+1} \mathrm{sign}(W_{l+1})^T \delta_{l+1} \odot \psi'(h_l)",
    paper="Liao, Leibo and Poggio, How important is weight symmetry in backpropagation?, AAAI 2016",
    backward_weights=_signs_of_forward,
    distribution="sign",
)
