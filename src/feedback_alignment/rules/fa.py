"""Feedback alignment: the error returns through fixed random weights."""

from feedback_alignment.rules.rule import Rule, Weights


def _fixed_feedback(forward: Weights, feedback: Weights) -> Weights:
    return feedback


FA = Rule(
    name="fa",
    label="FA",
    equation=r"\delta_l = B_{l+1}^T \delta_{l+1} \odot \psi'(h_l)",
    paper="Lillicrap, Cownden, Tweed and Akerman, Random synaptic feedback weights support error "
    "backpropagation for deep learning, Nature Communications 7 (2016)",
    backward_weights=_fixed_feedback,
)
