"""Handwritten digits bundled with scikit-learn: 1797 images of 8 x 8 pixels, no network needed."""

import numpy as np

from feedback_alignment.data.preparation import Classification
from feedback_alignment.data.sources import SOURCES


def load_digits(rng: np.random.Generator | None) -> Classification:
    """The digits: 1437 to train on, 360 to judge by.

    In file order the last 360 come from other writers than the rest, which costs about .05 of
    accuracy and is a question of its own; so the split is random unless that order is asked for.

    Args:
        rng: shuffles the images before they are split; None keeps the order of the file.

    Returns:
        Inputs (1437, 64) and (360, 64): grey values from 0 to 16, not scaled.
    """
    from sklearn import datasets

    inputs, labels = datasets.load_digits(return_X_y=True)
    order = np.arange(len(labels)) if rng is None else rng.permutation(len(labels))
    train, test = np.split(order, [SOURCES["digits"].samples])
    labels = labels.astype(np.int64)
    return Classification(inputs[train], labels[train], inputs[test], labels[test], classes=10)
