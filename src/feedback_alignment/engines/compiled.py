"""A step of two-layer networks as machine code, for the activations that have a short form.

In numpy half of a step goes into passes over the pre-activations that are no products. Here one
pass before the product and one after it do all, and each reads and writes every element once.
numba compiles it on its first use and keeps it beside this file, as Python keeps its bytecode.

Sums may be reordered, once for all when they are compiled; nothing is assumed of infinities and
NaNs, so that divergence shows.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import cache

import numpy as np
from numba import njit

_EXACT = {"error_model": "numpy", "fastmath": {"contract"}}
_SUMS = {"error_model": "numpy", "fastmath": {"contract", "nsz", "reassoc"}}


def _tanh_in(real: type, whole: type, digits: int, bias: int, largest: float) -> Callable:
    """A tanh without branches, which runs on whole registers; right to three units of rounding.

    With x = k ln(2) / 2 + r, k whole, and s = 2^k, the addition theorem gives tanh x from
    tanh(k ln(2) / 2) = (s - 1) / (s + 1) and tanh r = P / Q, a convergent of Lambert's continued
    fraction (1761), which is exact to rounding for |r| <= ln(2) / 4.

    Args:
        real: type of the argument.
        whole: type of whole numbers of the same size.
        digits: of the binary floating-point format (IEEE 754), after the first.
        bias: of its exponent.
        largest: where tanh is 1 to the last bit.
    """
    # Adding it leaves k in the lowest bits.
    rounder = real(1.5 * 2**digits)
    per_k, k_size = real(2 / np.log(2)), real(np.log(2) / 2)
    p1, p2, p3, q1, q2, one = (real(c) for c in (21, 1260, 10395, 210, 4725, 1))
    digits, bias, largest = whole(digits), whole(bias), real(largest)

    @njit(**_EXACT)
    def tanh(x):
        x = min(max(x, -largest), largest)
        shifted = x * per_k + rounder
        r = x - (shifted - rounder) * k_size
        s = whole((real(shifted).view(whole) + bias) << digits).view(real)
        z = r * r
        P = r * ((p1 * z + p2) * z + p3)
        Q = ((z + q1) * z + q2) * z + p3
        return ((s - one) * Q + (s + one) * P) / ((s + one) * Q + (s - one) * P)

    return tanh


tanh_single = _tanh_in(np.float32, np.int32, 23, 127, 10.0)
tanh_double = _tanh_in(np.float64, np.int64, 52, 1023, 20.0)


@cache
def compiled_step(activation: str, dtype: str) -> Callable[..., None]:
    """One step of L networks, as `preactivation.plain_step` makes it.

    Args:
        activation: `relu`, which does not use A, `tanh` or `sigmoid`.
        dtype: `float32` or `float64`.
    """
    relu, sigmoid, single = activation == "relu", activation == "sigmoid", dtype == "float32"
    real = np.dtype(dtype).type
    zero, half, one = real(0), real(0.5), real(1)

    def step(H, A, beta, v, errors, gram, targets, root, scale, shrink, units, work, out):
        lanes, n = errors.shape
        signed_gram = np.empty((n, n), H.dtype)
        output_step = np.empty(units, H.dtype)
        for lane in range(lanes):
            out[lane] = zero
            for i in range(n):
                for j in range(n):
                    signed_gram[i, j] = gram[lane, i, j] * (scale * errors[lane, j])
            for first in range(0, beta.shape[1], units):
                last = min(first + units, beta.shape[1])
                size = n * (last - first)
                h = H[lane, n * first : n * last].reshape(n, -1)
                a = A[lane, n * first : n * last].reshape(n, -1)
                signal, change = work[0, :size].reshape(n, -1), work[1, :size].reshape(n, -1)
                v_tile, beta_tile = v[lane, first:last], beta[lane, first:last]
                output_step[:] = zero
                for i in range(n):
                    error = scale * errors[lane, i]
                    for j in range(last - first):
                        if relu:
                            x = h[i, j]
                            signal[i, j] = v_tile[j] if x > zero else zero
                            # In this order a NaN stays one.
                            x = zero if x <= zero else x
                        elif sigmoid:
                            x = a[i, j]
                            signal[i, j] = v_tile[j] * (x - x * x)
                        else:
                            x = a[i, j]
                            signal[i, j] = v_tile[j] * (one - x * x)
                        output_step[j] += error * x
                np.dot(signed_gram, signal, change)
                for j in range(last - first):
                    beta_tile[j] = shrink * beta_tile[j] - output_step[j]
                for i in range(n):
                    total = zero
                    for j in range(last - first):
                        x = h[i, j] - change[i, j]
                        h[i, j] = x
                        if relu:
                            x = zero if x <= zero else x
                        else:
                            if sigmoid:
                                x = half * x
                            x = tanh_single(x) if single else tanh_double(x)
                            if sigmoid:
                                x = half + half * x
                            a[i, j] = x
                        total += x * beta_tile[j]
                    out[lane, i] += total
            for i in range(n):
                out[lane, i] = out[lane, i] / root - targets[lane, i]

    compiled = njit(**_SUMS)(step)
    # Where nothing can be written, each process compiles anew.
    with suppress(RuntimeError):
        compiled.enable_caching()
    return compiled
