"""Random streams: stable for ever, and independent of one another."""

import itertools

import numpy as np
import pytest

from feedback_alignment.streams import Streams

ROLES = ("data", "teacher", "weights", "output", "feedback")


@pytest.mark.parametrize(
    ("streams", "expected"),
    [
        (
            Streams(7),
            [
                -0.09021907959515175,
                2.8154599016627526,
                0.6698786628675072,
                1.099749551465817,
                0.027878465486331352,
            ],
        ),
        (
            Streams(7, width=200, samples=50),
            [
                0.10383658486350755,
                -0.4192105566651955,
                -0.1569024453193452,
                0.40691972758894807,
                -0.9994258014227998,
            ],
        ),
    ],
)
def test_streams_are_what_they_always_were(streams, expected):
    # Published numbers hang on these.
    first = [streams.generator(3, role).standard_normal() for role in ROLES]
    assert first == pytest.approx(expected, rel=1e-14)


def test_a_stream_repeats():
    draws = [Streams(0).generator(5, "weights").standard_normal(100) for _ in range(2)]
    assert np.array_equal(*draws)


def test_all_streams_differ():
    keys = itertools.product((0, 2**40), (0, 2**32 + 5), (0, 7), (0, 17), ROLES)
    draws = np.stack(
        [
            Streams(seed, width, samples).generator(replicate, role).standard_normal(2000)
            for seed, width, samples, replicate, role in keys
        ]
    )
    correlation = np.corrcoef(draws)
    np.fill_diagonal(correlation, 0.0)
    assert np.abs(correlation).max() < 5.5 / np.sqrt(2000)


def test_unknown_role_names_the_allowed_ones():
    with pytest.raises(ValueError, match=r"'wieghts'.*data, teacher, weights, output, feedback"):
        Streams(0).generator(0, "wieghts")
