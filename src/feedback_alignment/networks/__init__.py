"""Networks: multilayer perceptrons, their parameters, passes, activations and losses."""
