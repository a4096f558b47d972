"""Decay schedules."""

import pytest

from feedback_alignment.training.decay import decay_named


def test_schedules_over_the_steps():
    series = {
        name: [decay_named(name, 0.3, 4).decay_at(step) for step in range(6)]
        for name in ("none", "constant", "cutoff")
    }
    assert series == {"none": [0.0] * 6, "constant": [0.3] * 6, "cutoff": [0.3] * 4 + [0.0] * 2}


@pytest.mark.parametrize("name", ["none", "constant", "cutoff"])
def test_schedules_change_where_they_say(name):
    decay = decay_named(name, 0.3, 4)
    changes = [t for t in range(1, 10) if decay.decay_at(t) != decay.decay_at(t - 1)]
    assert changes == list(decay.change_steps)


def test_what_cannot_be_built():
    with pytest.raises(ValueError, match=r"'sometimes'.*none, constant, cutoff"):
        decay_named("sometimes", 0.3, None)
    with pytest.raises(ValueError, match="cutoff step"):
        decay_named("cutoff", 0.3, None)
