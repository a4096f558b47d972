"""Labelled data in two parts, and the steps that make them ready for training."""

from dataclasses import dataclass, replace

import numpy as np


class DataError(ValueError):
    """A data source that cannot be used; the message is one line for the user."""


@dataclass(frozen=True, eq=False)
class Classification:
    """Inputs with class labels, a part to train on and a part to judge by.

    Attributes:
        inputs_train: (N, d) float64.
        labels_train: (N,) int64, from 0 to classes - 1.
        inputs_test: (M, d) float64.
        labels_test: (M,) int64, from 0 to classes - 1.
        classes: C, number of classes.
    """

    inputs_train: np.ndarray
    labels_train: np.ndarray
    inputs_test: np.ndarray
    labels_test: np.ndarray
    classes: int


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    """Targets with a one at each sample's class.

    Args:
        labels: (N,) integers from 0 to C - 1.
        classes: C.

    Returns:
        (N, C) float64.
    """
    return (labels[:, None] == np.arange(classes)).astype(np.float64)


def hold_out(data: Classification, samples: int, rng: np.random.Generator) -> Classification:
    """Judge by a part of the training data: for choosing settings without the test part.

    Comes before any scaling, which must not know the held-out samples.

    Args:
        data: its test part is left out.
        samples: number of random training samples that become the part to judge by.
        rng: picks them; both parts keep the order of the training data.

    Raises:
        DataError: no sample would be held out, or none would be left.
    """
    total = len(data.labels_train)
    if not 0 < samples < total:
        raise DataError(
            f"cannot hold out {samples} of {total} training samples; allowed: 1 to {total - 1}"
        )
    held = np.zeros(total, dtype=bool)
    held[rng.permutation(total)[:samples]] = True
    return Classification(
        data.inputs_train[~held],
        data.labels_train[~held],
        data.inputs_train[held],
        data.labels_train[held],
        data.classes,
    )


def first(data: Classification, samples: int) -> Classification:
    """Keep the first samples of the training part, and the whole test part.

    Raises:
        DataError: the training part has fewer, or none would be left.
    """
    total = len(data.labels_train)
    if not 0 < samples <= total:
        raise DataError(
            f"cannot take the first {samples} of {total} training samples; allowed: 1 to {total}"
        )
    return replace(
        data,
        inputs_train=data.inputs_train[:samples],
        labels_train=data.labels_train[:samples],
    )


def centre_features(data: Classification) -> Classification:
    """Take each feature's training mean away and divide all by one number, the training sd.

    Raises:
        DataError: the training inputs do not vary.
    """
    return _shift_and_scale(data, data.inputs_train.mean(axis=0))


def standardise(data: Classification) -> Classification:
    """Take one number, the training mean, away and divide by another, the training sd.

    Raises:
        DataError: the training inputs do not vary.
    """
    return _shift_and_scale(data, data.inputs_train.mean())


def project(data: Classification, dimensions: int) -> Classification:
    """Keep the leading principal components of the training part, in falling order of variance.

    A component's sign is free; here its largest weight is positive, so that results repeat.

    Args:
        data: both parts are centred by the training mean and projected.
        dimensions: number of components.

    Raises:
        DataError: there are not that many components.
    """
    limit = min(data.inputs_train.shape)
    if not 0 < dimensions <= limit:
        raise DataError(
            f"cannot keep {dimensions} principal components; allowed: 1 to {limit}, "
            "the lesser of training samples and input dimensions"
        )
    mean = data.inputs_train.mean(axis=0)
    centred = data.inputs_train - mean
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :dimensions]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(dimensions)])
    return replace(data, inputs_train=centred @ axes, inputs_test=(data.inputs_test - mean) @ axes)


def prepare(
    data: Classification,
    rng: np.random.Generator,
    *,
    scaling: str,
    samples: int,
    dimension: int,
    validation_samples: int,
) -> Classification:
    """Make labelled data ready for training, in the order in which nothing leaks.

    Held out first, so that nothing below knows the samples to judge by; scaled by all that is left,
    cut to the first samples, and projected.

    Args:
        data: as loaded.
        rng: picks the samples that are held out.
        scaling: `none`, `centred` or `standardised`.
        samples: training samples to keep.
        dimension: inputs to keep; fewer than there are keeps principal components.
        validation_samples: training samples to judge by instead of the test part; 0 for none.

    Raises:
        DataError: the data do not fit; one line.
    """
    if validation_samples:
        data = hold_out(data, validation_samples, rng)
    if scaling != "none":
        data = {"centred": centre_features, "standardised": standardise}[scaling](data)
    data = first(data, samples)
    if dimension != data.inputs_train.shape[1]:
        data = project(data, dimension)
    return data


def _shift_and_scale(data: Classification, mean: np.ndarray) -> Classification:
    train, test = data.inputs_train - mean, data.inputs_test - mean
    # Not std(): it makes two more copies, and MNIST takes 376 MB a copy.
    deviation = np.sqrt(np.einsum("nd,nd->n", train, train).mean() / train.shape[1])
    if not np.isfinite(deviation):
        raise DataError("the training inputs are too large to be scaled; divide them beforehand")
    # Up to rounding: the mean of equal numbers is not always that number.
    if deviation <= 1e-12 * np.abs(mean).max():
        raise DataError("the training inputs do not vary; there is nothing to scale by")
    train /= deviation
    test /= deviation
    return replace(data, inputs_train=train, inputs_test=test)
