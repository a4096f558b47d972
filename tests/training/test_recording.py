"""The grid of recorded steps."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from feedback_alignment.training.recording import recording_grid

COUNTS = st.integers(0, 40)


@given(steps=st.integers(0, 10**6), per_decade=COUNTS, linear=COUNTS)
def test_the_grid_rises_from_zero_to_the_last_step(steps, per_decade, linear):
    grid = recording_grid(steps, per_decade, linear)
    assert grid.dtype == np.int64
    assert grid[0] == 0
    assert grid[-1] == steps
    assert (np.diff(grid) > 0).all()


@given(steps=st.integers(0, 10**6), per_decade=COUNTS, linear=COUNTS)
def test_the_grid_joins_its_two_sequences(steps, per_decade, linear):
    both = recording_grid(steps, per_decade, linear)
    parts = recording_grid(steps, per_decade, 0), recording_grid(steps, 0, linear)
    assert set(both) == {int(s) for part in parts for s in part}


@given(steps=st.integers(1, 10**6), linear=st.integers(1, 40))
def test_linear_steps_lie_evenly(steps, linear):
    grid = recording_grid(steps, 0, linear)
    assert len(grid) == min(linear, steps) + 1 or steps < 2 * linear
    assert np.ptp(np.diff(grid)) <= 1


@given(steps=st.integers(1, 10**6), per_decade=st.integers(1, 40))
def test_geometric_steps_lie_closely_enough(steps, per_decade):
    grid = recording_grid(steps, per_decade, 0)[1:]
    assert grid[0] == 1
    ratios = (grid[1:] - 0.5) / (grid[:-1] + 0.5)
    assert (ratios <= 10 ** (1 / per_decade)).all()
    assert len(grid) <= np.log10(steps) * per_decade + 2


def test_an_example():
    assert recording_grid(1000, 1, 4).tolist() == [0, 1, 10, 100, 250, 500, 750, 1000]
    assert recording_grid(0, 5, 5).tolist() == [0]
    assert recording_grid(7, 0, 0).tolist() == [0, 7]
