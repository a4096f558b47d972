"""The course that the law of wide linear networks predicts, beside the one that is trained."""

import numpy as np
import pytest
from small_runs import drawn, song

from feedback_alignment.engines.gram import expected_gram
from feedback_alignment.engines.linear import LINEAR_ENGINES
from feedback_alignment.metrics.courses import align_step
from feedback_alignment.simulate import simulate

WIDE = {"activation": "linear", "engine": "linear", "weights": "wishart", "schedule": "constant"}
WIDE |= {"law": True, "samples": 20, "dimension": 60, "eta": 2e-3, "points_per_decade": 20}
MEASURED, LAW = ("weight_alignment", "output"), ("law_alignment", "output")


def test_a_network_without_chance_follows_the_law():
    # So wide that overlaps by chance are 1e-6; targets as large, so that it aligns all the same.
    case = song(**WIDE, width=10**12, l2=1.0, steps=1500)
    data = drawn(case, [0, 1], 3)
    found = simulate(case, data | {"targets": 1e6 * data["targets"]}, [0, 1], seed=3).values
    assert (found[MEASURED][:, -1] > 0.9).all()
    np.testing.assert_allclose(found[LAW], found[MEASURED], atol=1e-4)
    np.testing.assert_allclose(found["law_loss", ""], found["loss", ""], rtol=1e-4)


def test_the_law_is_fa_with_the_expected_gram_matrix():
    case = song(**WIDE, width=400, l2=1.0, steps=700, loss_function="mse", linear_points=1)
    data = drawn(case, [0, 1], 3)
    found = simulate(case, data, [0, 1], seed=3)
    x, y = data["inputs"][1], data["targets"][1]
    powers, modes = np.linalg.eigh(x @ x.T)
    gram = expected_gram(powers)[None]
    fa = LINEAR_ENGINES["fa"](gram, powers[None], (modes.T @ y)[None], 20.0, 2e-3, 2 / 20)
    fa.advance(700, 1.0)
    alone = fa.observe({"loss", "weight_alignment"})
    assert found.values[LAW][1, -1] == alone[MEASURED][0]
    assert found.values["law_loss", ""][1, -1] == alone["loss", ""][0]


@pytest.mark.parametrize("l2", [1.0, 3.0])
def test_the_time_to_align_is_the_law_s_but_for_chance(l2):
    width, replicates = 10**5, range(40)
    case = song(**WIDE, width=width, l2=l2, steps=int(40_000 / l2))
    recording = simulate(case, drawn(case, replicates, 7), replicates, seed=7)
    measured, law = (
        np.array([align_step(recording.steps, course) for course in recording.values[key]])
        for key in (MEASURED, LAW)
    )
    unit = np.sqrt(9.86 / width)
    deviations = (measured / law - 1) / unit
    assert abs(deviations.mean()) < 4 / np.sqrt(40)
    # Twice the standard error of a standard deviation of 40 normal numbers, 1 / sqrt(78), twice.
    assert np.std(deviations, ddof=1) == pytest.approx(1, abs=4 / np.sqrt(78))


def test_recording_the_law_changes_no_other_number_and_lanes_stay_apart():
    settings = WIDE | {"width": 50, "steps": 4000, "settle_window": 100, "settle_floor": 1e-9}
    case = song(**settings)
    data, replicates = drawn(case, range(3), 5), [0, 1, 2]
    data["targets"][2] *= 1e-3  # begins, and settles, like no other
    whole = simulate(case, data, replicates, seed=5)
    assert len(set(whole.end_step)) > 1
    plain = simulate(song(**settings | {"law": False}), data, replicates, seed=5)
    for key, values in plain.values.items():
        np.testing.assert_array_equal(whole.values[key], values)
    for lane in replicates:
        own = {name: array[lane : lane + 1] for name, array in data.items()}
        alone = simulate(case, own, [lane], seed=5)
        for key, values in alone.values.items():
            np.testing.assert_array_equal(whole.values[key][lane], values[0])


def test_backpropagation_knows_no_feedback_so_its_law_has_no_alignment():
    case = song(**WIDE, rule="bp", width=100, l2=1.0, steps=50)
    found = simulate(case, drawn(case, [0], 3), [0], seed=3).values
    np.testing.assert_array_equal(found[LAW], 0.0)
    assert found["law_loss", ""][0, -1] < found["law_loss", ""][0, 0]
