"""Backpropagation: the error returns through the forward weights."""

from feedback_alignment.rules.rule import Rule, Weights


def _forward_weights(forward: Weights, feedback: Weights) -> Weights:
    return forward


BP = Rule(
    name="bp",
    label="BP",
    equation=r"\delta_l = W_{l+1}^T \delta_{l+1} \odot \psi'(h_l)",
    paper="Rumelhart, Hinton and Williams, Learning representations by back-propagating errors, "
    "Nature 323 (1986)",
    backward_weights=_forward_weights,
)
