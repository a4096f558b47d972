"""Direct feedback alignment: the output error goes straight to every hidden layer."""

from feedback_alignment.rules.rule import Rule, Weights


def _fixed_feedback(forward: Weights, feedback: Weights) -> Weights:
    return feedback


DFA = Rule(
    name="dfa",
    label="DFA",
    equation=r"\delta_l = B_l^T e \odot \psi'(h_l)",
    paper="Nøkland, Direct feedback alignment provides learning in deep neural networks, "
    "NeurIPS 2016",
    backward_weights=_fixed_feedback,
    path="direct",
)
