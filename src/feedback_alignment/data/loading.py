"""Where labelled data come from: bundled, found, downloaded, or a user's own."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TextIO

import numpy as np

from feedback_alignment.data.classification import Classification


def loader(
    data: str, place: Path | None, environ: Mapping[str, str], terminal: TextIO | None = None
) -> Callable[[np.random.Generator], Classification]:
    """How a source's data are loaded: a function of the random stream that may split them.

    Args:
        data: name of the source.
        place: folder of MNIST's files, or a user's file, if the config names it.
        environ: the environment, which may name MNIST's folder and the user's cache.
        terminal: where a download shows its progress if it is a terminal; None for standard error.
    """
    if data == "digits":
        from feedback_alignment.data.digits import load_digits

        return load_digits
    if data == "digits_in_order":
        from feedback_alignment.data.digits import load_digits

        return lambda rng: load_digits(None)
    if data == "mnist":
        return partial(_mnist, place, environ, terminal)
    from feedback_alignment.data.arrays import load_arrays

    return lambda rng: load_arrays(place)


def _mnist(
    place: Path | None,
    environ: Mapping[str, str],
    terminal: TextIO | None,
    rng: np.random.Generator,
) -> Classification:
    from feedback_alignment.data.mnist import default_cache, fill, load_mnist, locate

    directory = None if place is None else str(place)
    fill_cache = partial(fill, terminal=terminal)
    return load_mnist(locate(directory, environ, default_cache(environ), fill_cache))
