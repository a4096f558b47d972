"""Direct random target projection: hidden layers hear the targets instead of the errors."""

from feedback_alignment.rules.rule import Rule, Signal, Weights


def _fixed_feedback(forward: Weights, feedback: Weights) -> Weights:
    return feedback


def _targets(errors: Signal, targets: Signal) -> Signal:
    # The error is f - y; without the outputs f, the target's own part remains.
    return -targets


DRTP = Rule(
    name="drtp",
    label="DRTP",
    equation=r"\delta_l = -B_l^T y \odot \psi'(h_l)",
    paper="Frenkel, Lefebvre and Bol, Learning without feedback: fixed random learning signals "
    "allow for feedforward training of deep neural networks, Frontiers in Neuroscience 15 (2021)",
    backward_weights=_fixed_feedback,
    path="direct",
    source=_targets,
)
