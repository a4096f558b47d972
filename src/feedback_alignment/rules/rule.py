"""What a learning rule is: how the output error becomes the error signals of the hidden units."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# Arrays of numpy or tensors of torch.
Weights = Any
Signal = Any

PATHS = ("layers", "direct")


def output_errors(errors: Signal, targets: Signal) -> Signal:
    """The output errors themselves: what most rules send back."""
    return errors


@dataclass(frozen=True)
class Rule:
    """How errors travel backward.

    All weights may be numpy arrays or torch tensors, of one network or of several stacked; the
    functions must work on both (`engines.arrays.sign` helps), and may return an argument.

    Attributes:
        name: name in configs and tables.
        label: name in figures.
        equation: the hidden error signal in LaTeX.
        paper: where the rule comes from.
        backward_weights: `backward_weights(forward, feedback)` gives what stands in the place of
            the forward weights W_{l+1} (transposed) in the backward pass, given these forward
            weights and the layer's feedback weights of the same shape. On path `direct` there are
            no such forward weights: `forward` is None.
        path: `layers`: hidden layer l hears from the layer above, delta_{l+1}, through weights
            (n_{l+1}, n_l). `direct`: every hidden layer hears from the output, through weights
            (n_out, n_l).
        source: `source(errors, targets)` gives what the output sends back (..., n_out); errors
            are dL_i/df of each sample. The output layer itself learns from the errors.
        feedback_gradient: `feedback_gradient(gradient, forward, feedback)` gives what the feedback
            weights descend, with the step size and the decay of the forward weights beside them;
            gradient is the forward weights' own. None: they stay as they are drawn. Needs path
            `layers`.
        distribution: distribution of the feedback weights if the rule prescribes one.
    """

    name: str
    label: str
    equation: str
    paper: str
    backward_weights: Callable[[Weights, Weights], Weights]
    path: str = "layers"
    source: Callable[[Signal, Signal], Signal] = output_errors
    feedback_gradient: Callable[[Weights, Weights, Weights], Weights] | None = None
    distribution: str | None = None

    def __post_init__(self) -> None:
        if self.path not in PATHS:
            raise ValueError(f"rule {self.name}: unknown path {self.path!r}; allowed: {PATHS}")
        if self.path == "direct" and self.feedback_gradient is not None:
            raise ValueError(f"rule {self.name}: feedback on path direct cannot learn")

    @property
    def linear(self) -> bool:
        """Whether hidden signals are linear in the output error."""
        return self.source is output_errors

    @property
    def plain(self) -> bool:
        """Whether its backward weights are all that is its own."""
        by_layers = self.path == "layers" and self.linear
        return by_layers and self.feedback_gradient is None and self.distribution is None
