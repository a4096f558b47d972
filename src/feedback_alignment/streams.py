"""Named random streams: every draw belongs to a seed, a replicate and a role."""

import numpy as np

# Part of the recipe of every published number: add roles at the end, never renumber.
_ROLES = {
    "data": 0,
    "teacher": 1,
    "weights": 2,
    "output": 3,
    "feedback": 4,
    "batches": 5,
    "probes": 6,
    "perturbation": 7,
    "redraw": 8,
}


def generator(seed: int, replicate: int, role: str) -> np.random.Generator:
    """The random stream of one role of one replicate.

    Streams know nothing of rules, widths or other settings, so conditions are compared on the same
    data, initial weights and feedback, and a new condition changes no old number.

    Args:
        seed: the config's seed, not negative.
        replicate: index of the replicate, not negative.
        role: `data`, `teacher`, `weights`, `output`, `feedback`, `batches`, `probes` (feedback
            that takes no part in training), `perturbation` or `redraw` (feedback drawn later).

    Raises:
        ValueError: the role is unknown.
    """
    if role not in _ROLES:
        raise ValueError(f"unknown stream role {role!r}; allowed: {', '.join(_ROLES)}")
    sequence = np.random.SeedSequence(entropy=seed, spawn_key=(replicate, _ROLES[role]))
    return np.random.Generator(np.random.PCG64(sequence))
