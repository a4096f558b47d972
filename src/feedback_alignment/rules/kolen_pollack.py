"""Kolen-Pollack: the feedback weights take the same steps and decay as the forward weights."""

from feedback_alignment.rules.rule import Rule, Weights


def _learned_feedback(forward: Weights, feedback: Weights) -> Weights:
    return feedback


def _same_gradient(gradient: Weights, forward: Weights, feedback: Weights) -> Weights:
    # W and B differ by (1 - eta lambda)^t of their first difference: they meet if both decay.
    return gradient


KP = Rule(
    name="kp",
    label="KP",
    equation=r"\delta_l = B_{l+1}^T \delta_{l+1} \odot \psi'(h_l), \quad "
    r"B_l \leftarrow (1 - \eta \lambda) B_l - \eta \delta_l \psi(h_{l-1})^T",
    paper="Kolen and Pollack, Backpropagation without weight transport, IEEE International "
    "Conference on Neural Networks (1994); Akrout, Wilson, Humphreys, Lillicrap and Tweed, Deep "
    "learning without weight transport, NeurIPS 2019",
    backward_weights=_learned_feedback,
    feedback_gradient=_same_gradient,
)
