"""Parameters of a multilayer perceptron: parametrisations, initial weights and feedback weights."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from feedback_alignment.engines.arrays import Array
from feedback_alignment.rules.rule import Rule
from feedback_alignment.streams import Streams

DISTRIBUTIONS = ("gaussian", "uniform", "sign")
PARAMETRISATIONS = ("standard", "ntk", "song", "mean_field")


@dataclass(frozen=True)
class Network:
    """Parameters of `h_l = W_l a_{l-1} + c_l`, `a_l = psi(h_l)`, outputs `f = h_L`, `a_0 = x`.

    Attributes:
        weights: W_l (n_l, n_{l-1}) for l = 1 ... L.
        biases: c_l (n_l,) for l = 1 ... L, or empty for a network without.
        feedback: for each hidden layer l = 1 ... L - 1 what brings errors to it: B_{l+1}
            (n_{l+1}, n_l) of the layer above, or on path `direct` B_l (n_L, n_l).
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    feedback: tuple[Array, ...]


def fans(parametrisation: str, sizes: Sequence[int]) -> tuple[int, ...]:
    """What the variance of each layer's initial weights is divided by: the number of units below.

    `song` is the two-layer network `f = beta^T psi(V x) / sqrt(p)` of Song 2021: its first layer is
    not divided by anything. `mean_field` is the same network with the output `/ p`, its square.

    Args:
        parametrisation: one of `PARAMETRISATIONS`.
        sizes: n_0 ... n_L, inputs to outputs.
    """
    if parametrisation == "mean_field":
        return (1, sizes[1] ** 2)
    return (1 if parametrisation == "song" else sizes[0], *sizes[1:-1])


def step_rates(parametrisation: str, sizes: Sequence[int]) -> tuple[float, ...]:
    """Step size of each layer relative to eta.

    It is 1 where the weights W themselves take the steps (`standard`), and 1 / fan where
    `W = V / sqrt(fan)` and V takes them (`ntk`, `song`). In `mean_field` V takes steps of eta p, so
    that outputs learn as fast as in `song`, and V moves p^(1/2) as far: the rich regime of Bordelon
    and Pehlevan (2023).

    Args:
        parametrisation: one of `PARAMETRISATIONS`.
        sizes: n_0 ... n_L.
    """
    if parametrisation == "standard":
        return (1.0,) * (len(sizes) - 1)
    unit = float(sizes[1]) if parametrisation == "mean_field" else 1.0
    return tuple(unit / fan for fan in fans(parametrisation, sizes))


def draw_units(streams: Streams, replicate: int, sizes: Sequence[int]) -> list[np.ndarray]:
    """Draw weights V_l (n_l, n_{l-1}), all i.i.d. N(0, 1).

    Draws are nested in depth: a deeper network has the first and the output layer of a shallower
    one of the same width.

    Args:
        streams: the run's random streams.
        replicate: index of the replicate.
        sizes: n_0 ... n_L, inputs to outputs.
    """
    hidden, output = (streams.generator(replicate, role) for role in ("weights", "output"))
    order = [hidden] * (len(sizes) - 2) + [output]
    shapes = zip(order, sizes, sizes[1:], strict=False)
    return [stream.standard_normal((above, below)) for stream, below, above in shapes]


def draw_network(
    streams: Streams,
    replicate: int,
    sizes: Sequence[int],
    init_scale: float,
    biases: bool,
    parametrisation: str = "standard",
) -> Network:
    """Draw initial weights, `W_l ~ N(0, sigma^2 / fan_l)`; biases start at zero.

    Args:
        streams: the run's random streams.
        replicate: index of the replicate.
        sizes: n_0 ... n_L, inputs to outputs.
        init_scale: sigma.
        biases: whether the network has them.
        parametrisation: one of `PARAMETRISATIONS`; see `fans`.

    Returns:
        A network without feedback.
    """
    units = draw_units(streams, replicate, sizes)
    scales = (init_scale / np.sqrt(fan) for fan in fans(parametrisation, sizes))
    weights = tuple(V * scale for V, scale in zip(units, scales, strict=True))
    return Network(weights, tuple(np.zeros(n) for n in sizes[1:]) if biases else (), ())


def draw_unit_feedback(
    rng: np.random.Generator, sizes: Sequence[int], rule: Rule, distribution: str
) -> list[np.ndarray]:
    """Draw feedback weights of variance 1 to each hidden layer l.

    The last hidden layer's come first, so that it hears the same at every depth and under every
    rule.

    Args:
        rng: source of the draws.
        sizes: n_0 ... n_L.
        rule: says by which path errors travel, and perhaps the distribution.
        distribution: `gaussian`, `uniform` or `sign` (two values, equally likely).

    Raises:
        ValueError: the distribution is unknown.
    """
    distribution = rule.distribution or distribution
    if distribution not in DISTRIBUTIONS:
        raise ValueError(
            f"unknown feedback distribution {distribution!r}; allowed: {', '.join(DISTRIBUTIONS)}"
        )
    drawn = []
    for layer in range(len(sizes) - 2, 0, -1):
        shape = (sizes[-1] if rule.path == "direct" else sizes[layer + 1], sizes[layer])
        if distribution == "uniform":
            values = rng.uniform(-np.sqrt(3.0), np.sqrt(3.0), shape)
        else:
            values = rng.standard_normal(shape)
        drawn.append(np.copysign(1.0, values) if distribution == "sign" else values)
    return drawn[::-1]


def draw_feedback(
    rng: np.random.Generator,
    sizes: Sequence[int],
    rule: Rule,
    scale: float,
    distribution: str,
    parametrisation: str = "standard",
) -> tuple[np.ndarray, ...]:
    """Draw feedback weights of variance `scale^2 / fan`, as the weights that they stand for.

    Args:
        rng: source of the draws.
        sizes: n_0 ... n_L.
        rule: see `draw_unit_feedback`.
        scale: standard deviation in units of `1 / sqrt(fan)`, the fan of the layer above.
        distribution: see `draw_unit_feedback`.
        parametrisation: one of `PARAMETRISATIONS`; see `fans`.

    Raises:
        ValueError: the distribution is unknown.
    """
    units = draw_unit_feedback(rng, sizes, rule, distribution)
    pairs = zip(units, fans(parametrisation, sizes)[1:], strict=True)
    return tuple(unit * (scale / np.sqrt(fan)) for unit, fan in pairs)


@dataclass(frozen=True)
class Shallow:
    """Unscaled weights of `f(x) = beta^T psi(V x) / s`, parametrisations `song`, `mean_field`.

    Attributes:
        hidden: V (p, d).
        output: beta (p,).
        feedback: b (p,), in the place of beta.
    """

    hidden: np.ndarray
    output: np.ndarray
    feedback: np.ndarray


def draw_shallow(streams: Streams, replicate: int, width: int, dimension: int) -> Shallow:
    """Draw the initial weights of a network with one output, all i.i.d. N(0, 1) (Song 2021).

    They are those of `draw_network` and `draw_feedback`, before these scale them.

    Args:
        streams: the run's random streams.
        replicate: index of the replicate.
        width: p, number of hidden units.
        dimension: d, number of inputs.
    """
    sizes = (dimension, width, 1)
    hidden, output = draw_units(streams, replicate, sizes)
    feedback = streams.generator(replicate, "feedback").standard_normal(width)
    return Shallow(hidden, output[0], feedback)
