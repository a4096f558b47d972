"""Gram matrices of a linear network's initial vectors: of explicit weights, drawn, expected."""

import numpy as np

from feedback_alignment.networks.parameters import draw_shallow
from feedback_alignment.streams import Streams


def explicit_gram(
    modes: np.ndarray, inputs: np.ndarray, streams: Streams, replicate: int, width: int
) -> np.ndarray:
    """`B^T B / p` (n + 2, n + 2) of the columns B = [H U, beta, b], from explicit weights.

    Args:
        modes: U (n, n), orthogonal.
        inputs: X (n, d); H = W X^T.
        streams: the run's random streams.
        replicate: index of the replicate.
        width: p.
    """
    network = draw_shallow(streams, replicate, width, inputs.shape[1])
    columns = [network.hidden @ (inputs.T @ modes), network.output[:, None]]
    basis = np.concatenate([*columns, network.feedback[:, None]], axis=1)
    return basis.T @ basis / width


def wishart_gram(powers: np.ndarray, streams: Streams, replicate: int, width: int) -> np.ndarray:
    """A draw of `B^T B / p` (n + 2, n + 2) that forms no weights, at a cost free of p.

    Given X, the rows of B = [H U, beta, b] are i.i.d. normal with the eigenvalues of K and twice 1
    as variances, so `B^T B` is Wishart with p degrees of freedom. It is drawn by Bartlett's
    decomposition, `T T^T` with T lower triangular, `T_ii^2 ~ chi^2_{p-i}` (i from 0) and N(0, 1)
    below (Bartlett 1933); for p < n + 2 from p normal rows.

    Args:
        powers: eigenvalues of K = X X^T (n,), in the order of the columns of U.
        streams: the run's random streams.
        replicate: index of the replicate.
        width: p.
    """
    stream = streams.generator(replicate, "weights")
    size = powers.size + 2
    if width < size:
        rows = stream.standard_normal((width, size))
        unit = rows.T @ rows / width
    else:
        root = np.tril(stream.standard_normal((size, size)), -1)
        np.fill_diagonal(root, np.sqrt(stream.chisquare(width - np.arange(size))))
        unit = root @ root.T / width
    deviations = np.sqrt(np.concatenate([powers, [1.0, 1.0]]))
    return unit * np.outer(deviations, deviations)


def expected_gram(powers: np.ndarray) -> np.ndarray:
    """The mean of both draws (n + 2, n + 2): diag(k, 1, 1), which p to infinity leaves of them.

    Args:
        powers: eigenvalues k of K = X X^T (n,), in the order of the columns of U.
    """
    return np.diag([*powers, 1.0, 1.0])
