"""Measure how far the law of wide linear networks holds for ReLU and tanh, with their kernels.

Prints the tables of docs/findings.md, "The law with the kernels of ReLU and tanh", in some three
minutes of one core.

    OMP_NUM_THREADS=1 nice python benchmarks/kernel_law.py
"""

from dataclasses import dataclass, replace

import numpy as np

from feedback_alignment.conditions import Condition
from feedback_alignment.data.synthetic import noise
from feedback_alignment.engines.linear import LinearFeedback
from feedback_alignment.metrics.courses import align_step
from feedback_alignment.metrics.kernels import expected_output_kernel, series_kernel
from feedback_alignment.networks.activations import ACTIVATIONS, Activation
from feedback_alignment.networks.parameters import draw_shallow
from feedback_alignment.simulate import simulate
from feedback_alignment.streams import Streams

SEED = 2021
SAMPLES = 50
WIDTHS = {1000: 16, 10_000: 4, 40_000: 4}  # and replicates
COSINES = (0.1, 0.25, 0.5)
ALIGNMENT = ("weight_alignment", "output")


@dataclass(frozen=True)
class Network:
    """A kind of network: psi, inputs N(0, 1) or that over sqrt(d), eta, two lambdas.

    Steps are about as long as the greatest eigenvalue of G lets them be, and lambda is well below
    its least.
    """

    label: str
    psi: Activation
    short: bool
    eta: float
    decays: tuple[float, float]


NETWORKS = (
    Network("ReLU", ACTIVATIONS["relu"], False, 1e-3, (3.0, 10.0)),
    Network("tanh, short inputs", ACTIVATIONS["tanh"], True, 1.0, (0.01, 0.03)),
    Network("tanh", ACTIVATIONS["tanh"], False, 0.4, (0.02, 0.06)),
)


def slope_kernel(gram: np.ndarray, psi: Activation) -> np.ndarray:
    """`E[psi'(u_i) psi'(u_j)]` (n, n) for jointly normal variables u of covariance `gram`.

    For ReLU the arc-cosine kernel of degree 0 (Cho and Saul 2009), else Mehler's series.
    """
    if psi.name == "relu":
        norms = np.sqrt(np.diag(gram))
        cosine = np.clip(gram / np.outer(norms, norms), -1.0, 1.0)
        np.fill_diagonal(cosine, 1.0)
        return (np.pi - np.arccos(cosine)) / (2.0 * np.pi)

    def slope(H: np.ndarray, out: np.ndarray) -> None:
        A = np.empty_like(H)
        psi.apply(H, A)
        psi.slope(H, A, out)

    return series_kernel(gram, replace(psi, apply=slope))


def law_of(
    inputs: np.ndarray, targets: np.ndarray, psi: Activation, width: int, eta: float
) -> LinearFeedback:
    """The law's networks for X (R, n, d) and y (R, n): the linear engine with both kernels of psi.

    Its basis is that of K1, its expected Gram matrix diag(E[psi psi'], 1, 1).
    """
    parts = []
    for x, y in zip(inputs, targets, strict=True):
        powers, modes = np.linalg.eigh(x @ x.T * slope_kernel(x @ x.T, psi))
        gram = np.eye(y.size + 2)
        gram[:-2, :-2] = modes.T @ expected_output_kernel(x, psi) @ modes
        parts.append((gram, powers, modes.T @ y))
    return LinearFeedback(*map(np.stack, zip(*parts, strict=True)), width**0.5, eta)


def draw(net: Network, width: int, samples: int, replicates: int) -> tuple[np.ndarray, np.ndarray]:
    """X (R, n, 3n) and targets N(0, E[psi psi']) (R, n), those of an infinitely wide teacher."""
    streams, dimension = Streams(SEED, width, samples), 3 * samples
    pairs = [noise(streams, r, samples, dimension) for r in range(replicates)]
    inputs = np.stack([x for x, _ in pairs]) / (dimension**0.5 if net.short else 1.0)
    kernels = [expected_output_kernel(x, net.psi) for x in inputs]
    return inputs, np.matvec(np.linalg.cholesky(kernels), np.stack([z for _, z in pairs]))


def early(net: Network, samples: int) -> np.ndarray:
    """The numbers alpha, chi and w of docs/findings.md, means over 16 draws."""
    z = np.arange(-8.005, 8.01, 0.01)
    density = np.exp(-(z**2) / 2) * 0.01 / np.sqrt(2 * np.pi)
    found = []
    for x, y in zip(*draw(net, 1, samples, 16), strict=True):
        K, c = x @ x.T, np.linalg.solve(expected_output_kernel(x, net.psi), y)
        own, deviations = np.diag(K), np.sqrt(np.diag(K))
        H = np.outer(deviations, z)
        A, S = np.empty((2, *H.shape))
        net.psi.apply(H, A)
        net.psi.slope(H, A, S)
        second, fourth = S**2 @ density, S**4 @ density
        alpha = c @ (K * slope_kernel(K, net.psi)) @ c / (y @ c)
        changes = own * c / (alpha * np.sqrt(y @ c))
        chi = np.sqrt(np.square(changes / (deviations if net.psi.name == "relu" else 1)).mean())
        squares = np.square(own * c**2)
        w = (squares * (fourth - second**2)).sum() / np.sum(own * c**2 * second) ** 2
        found.append((alpha, chi, w))
    return np.mean(found, axis=0)


def predicted(net: Network, data: tuple, width: int, decay: float) -> np.ndarray:
    """The times eta lambda t (R, 3) at which the law's cosine passes each of COSINES."""
    law = law_of(*data, net.psi, width, net.eta)
    stride, courses = max(1, int(0.01 / (net.eta * decay))), []
    while not courses or courses[-1].min() < COSINES[-1]:
        courses.append(law.observe({ALIGNMENT[0]})[ALIGNMENT])
        law.advance(stride, decay)
    return net.eta * decay * passes(stride * np.arange(len(courses)), np.transpose(courses))


def measured(net: Network, data: tuple, width: int, decay: float, steps: int) -> np.ndarray:
    """The same of trained networks; NaN for what is not passed within the steps."""
    replicates, samples, dimension = data[0].shape
    sizes = {"width": width, "samples": samples, "dimension": dimension}
    training = {"eta": net.eta, "l2": decay, "schedule": "constant", "steps": steps}
    kind = {"rule": "fa", "activation": net.psi.name, "dtype": "float32"}
    condition = Condition(**sizes, **training, **kind, linear_points=60)
    named = dict(zip(("inputs", "targets"), data, strict=True))
    run = simulate(condition, named, range(replicates), seed=SEED)
    return net.eta * decay * passes(run.steps, run.values[ALIGNMENT])


@np.errstate(over="ignore", invalid="ignore")
def frozen(net: Network, data: tuple, width: int, decay: float, steps: int) -> np.ndarray:
    """The same of these networks, were every psi' to stay what it is at the start."""
    rate, courses = net.eta / width**0.5, []
    for r, (x, y) in enumerate(zip(*data, strict=True)):
        start = draw_shallow(Streams(SEED, width, y.size), r, width, x.shape[1])
        arrays = (start.hidden @ x.T, start.output, start.feedback, x @ x.T, y)
        H, beta, b, K, y = (array.astype(np.float32) for array in arrays)
        A, S = np.empty((2, *H.shape), np.float32)
        net.psi.apply(H, A)
        net.psi.slope(H, A, S)
        courses.append([])
        for step in range(steps):
            if step % 10 == 0:
                courses[-1].append(beta @ b / np.sqrt((beta @ beta) * (b @ b)))
            e = A.T @ beta / np.float32(width**0.5) - y
            beta = np.float32(1 - net.eta * decay) * beta - A @ (np.float32(rate) * e)
            A -= b[:, None] * S * ((S * e) @ (np.float32(rate) * K))
    return net.eta * decay * passes(10 * np.arange(len(courses[0])), np.array(courses))


def passes(steps: np.ndarray, courses: np.ndarray) -> np.ndarray:
    """Steps (R, 3) at which courses (R, T) pass each of COSINES."""
    return np.array([[align_step(steps, course, c) for c in COSINES] for course in courses])


def compare(net: Network, decay: float, width: int, samples: int, runs: int, *ways) -> np.ndarray:
    """Print a row of times over the law's for each way to train; the mean times (2, 3)."""
    data = draw(net, width, samples, runs)
    law = predicted(net, data, width, decay)
    steps = int(1.6 * law.max() / (net.eta * decay))
    times = [way(net, data, width, decay, steps) for way in ways]
    label = f"{net.label} | {samples} | {width} | {decay:g}"
    for way, found in zip(ways, times, strict=True):
        show(f"{label} | {way.__name__}", found / law)
    if len(ways) == 2:
        show(f"{label} | measured over frozen", times[0] / times[1])
    return np.array([times[0].mean(axis=0), law.mean(axis=0)])


def show(label: str, ratios: np.ndarray) -> None:
    """Print a row of means and deviations over replicates; `-` where not all pass a cosine."""
    cells = [
        f"{r.mean():.3f} ± {r.std(ddof=1):.3f}" if np.isfinite(r).all() else "-" for r in ratios.T
    ]
    print("|", " | ".join([label, *cells]).replace(" 0.", " ."), "|", flush=True)


def late(chi: float, w: float) -> np.ndarray:
    """The part of the law's times (3,) that is added, to first order, where both are small.

    By ReLU units that turn off (chi), and by the scatter of the units (w).
    """
    u = np.tan(np.arcsin(COSINES))
    off = (2 / np.pi) ** 1.5 * chi * (u**2 + u**4 / 2)
    return (off + w * u**3 * (5 + 3 * u**2) / 6) / (u + u**3 / 3)


def main() -> None:
    """Print the tables."""
    for net in NETWORKS:
        for samples in (12, 25, SAMPLES, 100):
            alpha, chi, w = early(net, samples)
            shown = [net.label, samples, *(f"{number:.2f}" for number in (alpha, chi, w))]
            for orders in ((chi, 0), (0, w)):
                known = net.psi.name == "relu" or not orders[0]
                shown += [f"{part:.3f}" if known else "-" for part in late(*orders)]
            print("|", " | ".join(map(str, shown)).replace(" 0.", " ."), "|")
    for net in NETWORKS:
        (low, high), times = net.decays, []
        for width, runs in WIDTHS.items():
            ways = (measured, frozen) if width == 10_000 else (measured,)
            times.append(compare(net, high, width, SAMPLES, runs, *ways))
            if width <= 10_000:
                compare(net, low, width, SAMPLES, runs, measured)
        for samples in (25, 12):
            compare(net, high, 10_000, samples, 8, measured, frozen)
        data = draw(net, 1, SAMPLES, 4)
        wide = [predicted(net, data, p, high).mean(axis=0) for p in (10**6, 10**8)]
        slopes = np.polyfit(np.log(list(WIDTHS)), np.log(np.reshape(times, (-1, 6))), 1)[0]
        slopes = [*slopes, *(np.log(wide[1] / wide[0]) / np.log(100))]
        shown = " | ".join(f"{s:.2f}" if np.isfinite(s) else "-" for s in slopes)
        print(f"| {net.label} | {shown} |".replace(" 0.", " ."))


if __name__ == "__main__":
    main()
