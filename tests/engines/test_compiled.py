"""The compiled step: its tanh, its agreement with numpy's, what it shows, where it is kept."""

import os
import subprocess
import sys

import numpy as np
import pytest
from numba.core.caching import CacheImpl

from feedback_alignment.engines import compiled
from feedback_alignment.engines.arrays import NumpyArrays
from feedback_alignment.engines.preactivation import _COMPILED, plain_step
from feedback_alignment.networks.activations import ACTIVATIONS

DTYPES = ["float32", "float64"]
TANH = {"float32": compiled.tanh_single, "float64": compiled.tanh_double}
by_dtype = pytest.mark.parametrize("dtype", DTYPES)
by_activation = pytest.mark.parametrize("activation", _COMPILED)


@by_dtype
def test_tanh_is_right_to_three_units_of_rounding(dtype):
    real, tanh = np.dtype(dtype).type, TANH[dtype]
    sizes = np.concatenate([np.geomspace(1e-30, 40, 3000), np.linspace(0, 25, 3000)])
    x = np.concatenate([sizes, -sizes]).astype(dtype)
    expected = np.tanh(x.astype(np.longdouble))
    found = np.array([tanh(each) for each in x], dtype)
    assert (np.abs(found - expected) <= 3 * np.finfo(dtype).eps * np.abs(expected)).all()
    assert [tanh(real(each)) for each in (np.inf, -np.inf)] == [1.0, -1.0]
    assert np.isnan(tanh(real(np.nan)))


def state(activation, dtype, lanes=1, n=6, width=31, units=12):
    """Arguments of a step."""
    rng = np.random.default_rng(0)
    H = rng.standard_normal((lanes, width * n)).astype(dtype)
    A = np.empty_like(H)
    ACTIVATIONS[activation].apply(H, A)
    beta, v = rng.standard_normal((2, lanes, width)).astype(dtype)
    errors, targets = rng.standard_normal((2, lanes, n)).astype(dtype)
    gram = rng.standard_normal((lanes, n, n)).astype(dtype)
    real = np.dtype(dtype).type
    scalars = real(np.sqrt(width)), real(0.3), real(0.9)
    work, out = np.empty((2, lanes * n * units), dtype), np.empty_like(errors)
    return [H, A, beta, v, errors, gram, targets, *scalars, units, work, out]


@by_activation
@by_dtype
@pytest.mark.parametrize("shape", [{}, {"lanes": 3, "units": 31}], ids=["tiles", "lanes"])
def test_a_step_is_that_of_numpy(activation, dtype, shape):
    ours, theirs = state(activation, dtype, **shape), state(activation, dtype, **shape)
    compiled.compiled_step(activation, dtype)(*ours)
    plain_step(NumpyArrays(dtype), ACTIVATIONS[activation], *theirs)
    # A sum of 31 terms is right to about as many units of rounding.
    for name, i in {"H": 0, "A": 1, "beta": 2, "errors": -1}.items():
        if name != "A" or activation != "relu":
            scale = np.abs(theirs[i]).max()
            error = np.abs(ours[i] - theirs[i]).max() / scale
            assert error < 31 * np.finfo(dtype).eps, name


@by_activation
@by_dtype
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_shows_in_the_errors(activation, dtype, value):
    arguments = state(activation, dtype)
    arguments[3][0, -1] = value
    with np.errstate(invalid="ignore"):
        compiled.compiled_step(activation, dtype)(*arguments)
    assert not np.isfinite(arguments[-1]).all()


def test_code_that_can_be_kept_nowhere_is_compiled_anew(monkeypatch):
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    step = compiled.compiled_step.__wrapped__("relu", "float64")
    arguments = state("relu", "float64")
    step(*arguments)
    assert np.isfinite(arguments[-1]).all()
    assert step.stats.cache_path is None


RUN = """
import sys
from small_runs import drawn, song
from feedback_alignment.simulate import simulate
case = song(engine=sys.argv[1], activation=sys.argv[2], steps=3)
values = simulate(case, drawn(case, [0], 1), [0], seed=1).values
print(values["loss", ""].tobytes().hex(), "numba" in sys.modules)
if sys.argv[1] == "preactivation" and "numba" in sys.modules:
    from feedback_alignment.engines.compiled import compiled_step
    print(sum(compiled_step(sys.argv[2], "float64").stats.cache_hits.values()))
"""


def printed(folder, *arguments):
    """What a run in a process of its own prints, word by word."""
    here = os.path.dirname(__file__)
    path = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
    surroundings = {**os.environ, "NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": path}
    command = [sys.executable, "-c", RUN, *arguments]
    found = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=True)
    return found.stdout.split()


def test_a_later_process_loads_the_code_and_gives_the_same_bytes(tmp_path):
    first, second = (printed(tmp_path, "preactivation", "sigmoid") for _ in range(2))
    assert first[1:] == ["True", "0"]
    assert second == [first[0], "True", "1"]


def test_jobs_without_a_compiled_step_do_not_wait_for_numba(tmp_path):
    for engine, activation in [("linear", "linear"), ("preactivation", "softplus")]:
        assert printed(tmp_path, engine, activation)[1:] == ["False"]
