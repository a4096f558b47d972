"""Make the data of a training job: a block of replicates, or one set for all of them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from feedback_alignment.data.preparation import Classification, one_hot, prepare
from feedback_alignment.data.sources import SYNTHETIC
from feedback_alignment.data.synthetic import linear_teacher, noise, teacher_student
from feedback_alignment.streams import Streams

Load = Callable[[np.random.Generator], Classification]


def draw(
    settings: Mapping[str, Any],
    seed: int,
    replicates: Sequence[int] | None,
    load: Load | None = None,
) -> dict[str, np.ndarray]:
    """Make the data of a block of R replicates, each from its own random streams.

    Args:
        settings: what decides the data, as `Condition.dataset` gives it.
        seed: the config's seed.
        replicates: indices of the replicates; None for labelled data that all replicates share.
        load: gives labelled data, from a random stream if they are split at random, as `loader`
            makes it; not needed for synthetic data.

    Returns:
        Synthetic data: `inputs` (R, n, d) and `targets` (R, n). Labelled data: `inputs` (n, d)
        and one-hot `targets` (n, C), and the part to judge by, `inputs_test` (m, d) and
        `targets_test` (m, C); with R in front unless shared.

    Raises:
        DataError: the data cannot be had or do not fit the settings; one line.
    """
    chosen = {name: value for name, value in settings.items() if name != "data"}
    if settings["data"] in SYNTHETIC:
        return _synthetic(settings["data"], chosen, seed, replicates or ())
    if load is None:
        load = loader(settings["data"], None, {})
    dtype = chosen.pop("dtype")
    if replicates is None:
        return _labelled(chosen, Streams(seed).generator(0, "data"), load, dtype)
    rngs = [Streams(seed).generator(replicate, "data") for replicate in replicates]
    parts = [_labelled(chosen, rng, load, dtype) for rng in rngs]
    return {name: np.stack([part[name] for part in parts]) for name in parts[0]}


def loader(
    data: str, place: Path | None, environ: Mapping[str, str], terminal: TextIO | None = None
) -> Load:
    """How a source's data are loaded: a function of the random stream that may split them.

    Args:
        data: name of the source.
        place: folder of MNIST's files, or a user's file, if the config names it.
        environ: the environment, which may name MNIST's folder and the user's cache.
        terminal: where a download shows its progress if it is a terminal; None for standard error.
    """
    if data in ("digits", "digits_in_order"):
        from feedback_alignment.data.digits import load_digits

        return load_digits if data == "digits" else lambda rng: load_digits(None)
    if data == "mnist":
        from feedback_alignment.data import mnist

        return lambda rng: mnist.load_mnist(mnist.locate(place, environ, terminal=terminal))

    def load(rng: np.random.Generator) -> Classification:
        from feedback_alignment.data.own import load_own

        # Synthetic data, which nothing loads, come by here too: refuse at the load.
        if place is None:
            raise ValueError(f"{data}: no source of this name, and no file of a user's own")
        return load_own(place)

    return load


def _synthetic(
    data: str, sizes: dict[str, Any], seed: int, replicates: Sequence[int]
) -> dict[str, np.ndarray]:
    streams = Streams(seed, sizes["width"], sizes["samples"])
    if data == "teacher_student":
        pairs = [teacher_student(streams, replicate, **sizes) for replicate in replicates]
    else:
        make = {"linear_teacher": linear_teacher, "noise": noise}[data]
        n, d = sizes["samples"], sizes["dimension"]
        pairs = [make(streams, replicate, n, d) for replicate in replicates]
    inputs, targets = map(np.stack, zip(*pairs, strict=True))
    return {"inputs": inputs, "targets": targets}


def _labelled(
    settings: dict[str, Any], rng: np.random.Generator, load: Load, dtype: str
) -> dict[str, np.ndarray]:
    data = prepare(load(rng), rng, **settings)
    return {
        "inputs": data.inputs_train.astype(dtype),
        "targets": one_hot(data.labels_train, data.classes).astype(dtype),
        "inputs_test": data.inputs_test.astype(dtype),
        "targets_test": one_hot(data.labels_test, data.classes).astype(dtype),
    }
