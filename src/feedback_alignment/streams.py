"""Named random streams: every draw belongs to a seed, a size, a replicate and a role."""

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Streams:
    """The random streams of networks of one width on data of one size.

    Streams know nothing of rules, decays or schedules, so these are compared on the same data,
    initial weights and feedback, and a new condition changes no old number. Widths and numbers of
    samples have streams of their own: were a wide network the narrow one and more, the points of a
    curve over the width would be correlated, and would have a slope before any training.

    Attributes:
        seed: the config's seed, not negative.
        width: p, below 2^64; 0 for what all widths share.
        samples: n, below 2^64; 0 for what all numbers of samples share.
    """

    seed: int
    width: int = 0
    samples: int = 0

    def generator(self, replicate: int, role: str) -> np.random.Generator:
        """The random stream of one role of one replicate.

        Args:
            replicate: index of the replicate, not negative.
            role: `data`, `teacher`, `weights`, `output`, `feedback`, `batches`, `probes` (feedback
                that takes no part in training), `perturbation` or `redraw` (feedback drawn later).

        Raises:
            ValueError: the role is unknown.
        """
        if role not in _ROLES:
            raise ValueError(f"unknown stream role {role!r}; allowed: {', '.join(_ROLES)}")
        # Each number in two words, so that no two keys are one sequence of words.
        size = [word for n in (self.width, self.samples) for word in divmod(n, 2**32)]
        key = (replicate, _ROLES[role], *size)
        sequence = np.random.SeedSequence(entropy=self.seed, spawn_key=key)
        return np.random.Generator(np.random.PCG64(sequence))
