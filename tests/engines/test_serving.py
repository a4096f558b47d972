"""What each engine serves, what none can, and which one `auto` takes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small_runs import changed, deep, drawn, song

from feedback_alignment import engines
from feedback_alignment.simulate import simulate

REFUSED = {
    "linear": [
        (
            {"activation": "tanh"},
            "activation: tanh is not served by engine linear; allowed: linear",
        ),
        ({"dtype": "float32"}, "dtype: float32 is not served by engine linear; allowed: float64"),
        ({"rule": "dfa"}, "rule: dfa is not served by engine linear; allowed: bp, fa"),
        ({"batch_size": 4}, "batch_size: 4 is not served by engine linear; allowed: 0"),
    ],
    "preactivation": [
        ({"weights": "wishart"}, "weights: wishart is not served by engine preactivation"),
        ({"rule": "kp"}, "rule: kp is not served by engine preactivation; allowed: bp, fa"),
        ({"bias": True}, "bias: true is not served by engine preactivation; allowed: false"),
        (
            {"parametrisation": "ntk"},
            "parametrisation: ntk is not served.*allowed: song, mean_field$",
        ),
        ({"perturb_step": 4, "perturb_size": 0.1}, "perturb_step: 4 is not.*allowed: null"),
        (
            {"loss_function": "cross_entropy"},
            "loss_function: cross_entropy is not.*allowed: half_sum, half_mean, mse",
        ),
        ({"descent": True}, "descent: true is not served.*allowed: false"),
        ({"law": True}, "law: true is not served by engine preactivation; allowed: false"),
        ({"init_scale": 2.0}, "init_scale: 2.0 is not served.*allowed: 1.0"),
    ],
    "minibatch": [({"weights": "wishart"}, "weights: wishart is not served.*allowed: explicit")],
    "autograd": [
        ({"weights": "wishart"}, "weights: wishart is not served.*allowed: explicit"),
        ({"law": True}, "law: true is not served by engine autograd; allowed: false"),
        ({"device": "cuda"}, "device: cuda is not served by engine autograd; allowed: cpu"),
    ],
}


@pytest.mark.parametrize(
    ("engine", "changes", "message"),
    [(engine, *case) for engine, cases in REFUSED.items() for case in cases],
)
def test_an_engine_says_what_it_does_not_serve(engine, changes, message):
    served = song(engine=engine, activation="linear")
    assert engines.unserved(engine, served) is None
    assert engines.choose(served) == engine
    case = changed(served, **changes)
    with pytest.raises(ValueError, match=f"^{message}"):
        engines.choose(case)
    with pytest.raises(ValueError, match=f"^{message}"):
        simulate(case, drawn(case, [0], 1), [0], seed=1)


@pytest.mark.parametrize(
    ("changes", "engine"),
    [
        ({"activation": "linear"}, "linear"),
        ({"activation": "linear", "weights": "wishart"}, "linear"),
        ({}, "preactivation"),
        ({"activation": "linear", "dtype": "float32"}, "preactivation"),
        ({"batch_size": 4}, "minibatch"),
        ({"activation": "linear", "null_alignment": True}, "minibatch"),
        ({"parametrisation": "standard"}, "minibatch"),
        ({"parametrisation": "mean_field"}, "preactivation"),
    ],
)
def test_auto_is_the_fastest_engine_that_serves(changes, engine):
    assert engines.choose(song(engine="auto", **changes)) == engine


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"depth": 2}, "depth: 2 is not possible with parametrisation song; allowed: 1"),
        (
            {"depth": 2, "parametrisation": "mean_field"},
            "depth: 2 is not possible with parametrisation mean_field; allowed: 1",
        ),
        ({"weights": "wishart"}, "weights: wishart needs engine linear, but activation: tanh is"),
        ({"law": True}, "law: true needs engine linear, but activation: tanh is not served"),
        ({"batch_size": 4, "kernels": True}, "kernels: true needs parametrisation song or"),
        ({"rule": "magic"}, "unknown rule 'magic'; allowed: bp, fa, dfa, usf, kp, drtp"),
        ({"rule": "drtp", "spectrum": True}, "spectrum: rule 'drtp' has no operator K"),
        ({"batch_size": 9}, "batch_size: 9; allowed: up to 8"),
        ({"metric_samples": 9}, "metric_samples: 9; allowed: up to 8"),
        ({"eigenvalues": True}, "eigenvalues: true needs spectrum: true"),
        ({"switch_step": 5}, "switch_rule: missing; switch_step needs the rule to switch to"),
        ({"switch_step": 5, "switch_rule": "x"}, "unknown rule 'x'"),
        ({"freeze_step": 301}, r"freeze_step: 301; allowed: 0 to 300 \(steps is 300\)"),
    ],
)
def test_what_no_engine_can_compute(changes, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        engines.choose(song(engine="auto", **changes))


def test_spectra_are_of_squared_errors():
    case = deep(engine="auto", spectrum=True, loss_function="cross_entropy")
    with pytest.raises(ValueError, match=r"^spectrum: K_FA tells stability for squared errors"):
        engines.choose(case)


def test_unknown_engines_list_the_known_ones():
    with pytest.raises(ValueError, match=r"'fast'; allowed: auto, linear, .*, autograd"):
        engines.module_of("fast")


def test_what_is_unknown_elsewhere_is_named():
    for changes, message in (
        ({"activation": "rleu"}, "'rleu'.*linear, relu"),
        ({"samples": 9}, r"inputs: \(8, 15\) do not fit .* \(9, 15\)"),
    ):
        data = {"inputs": np.ones((2, 8, 15)), "targets": np.ones((2, 8))}
        with pytest.raises(ValueError, match=message):
            simulate(song(**changes), data, [0, 1], seed=1)


def test_asking_what_is_served_imports_nothing_large():
    code = (
        "import sys; from feedback_alignment import engines; "
        "from feedback_alignment.conditions import Condition; "
        "c = Condition(samples=8, dimension=3); "
        "[engines.unserved(name, c) for name in engines.ENGINES]; "
        "assert not {'torch', 'numba', 'pandas', 'scipy', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_copy_with_one_engine_and_one_rule_runs(tmp_path):
    """A job runs from a copy of its own code, in which other engines and rules lack."""
    package = Path(engines.__file__).parents[1]
    shutil.copytree(package, tmp_path / package.name)
    others = ["engines/linear", "engines/minibatch", "engines/autograd", "engines/autograd_lane"]
    others += ["rules/dfa", "rules/drtp", "rules/kolen_pollack", "rules/sign_symmetry"]
    for name in others:
        (tmp_path / package.name / f"{name}.py").unlink()
    code = (
        "import sys, numpy as np; from feedback_alignment.conditions import Condition; "
        "from feedback_alignment.simulate import simulate; "
        "from feedback_alignment.rules import RULES; "
        "c = Condition(samples=8, dimension=3, steps=5, width=4, engine='preactivation'); "
        "data = {'inputs': np.ones((1, 8, 3)), 'targets': np.ones((1, 8))}; "
        "print(simulate(c, data, [0], seed=1).status[0], *RULES, Condition.__module__)"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["ok", "bp", "fa", "feedback_alignment.conditions"]
