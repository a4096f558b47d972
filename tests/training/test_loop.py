"""The driver against an engine whose course is known in closed form."""

import numpy as np
import pytest

from feedback_alignment.training.decay import decay_named
from feedback_alignment.training.loop import drive
from feedback_alignment.training.recording import recording_grid
from feedback_alignment.training.stopping import CHECKED, Settling

NEVER = Settling(tolerance=0.0, window=0, floor=0.0)


class Courses:
    """An engine whose error norm is a given function of the step and the lane."""

    def __init__(self, courses):
        self.courses = list(courses)
        self.step = 0
        self.decays = []
        self.observed = []
        self.asked = []

    def advance(self, count, decay):
        self.decays += [decay] * count
        steps = np.arange(self.step + 1, self.step + count + 1)
        self.step += count
        norms = np.array([[course(int(step)) for course in self.courses] for step in steps])
        return norms.reshape(count, len(self.courses))

    def observe(self, wanted):
        self.observed.append(self.step)
        self.asked.append((self.step, wanted))
        norms = np.array([course(self.step) for course in self.courses])
        values = {
            ("loss", ""): norms**2,
            ("error_norm", ""): norms,
            ("weight_alignment", "all"): np.zeros_like(norms),
            ("lambda_min_G", ""): 2 * norms,
        }
        return {key: value for key, value in values.items() if key[0] in wanted}

    def keep(self, lanes):
        assert len(lanes) == len(self.courses)
        self.courses = [c for c, kept in zip(self.courses, lanes, strict=True) if kept]


def decaying(rate):
    return lambda step: float(np.exp(-rate * step))


def jumping(at, to):
    return lambda step: 1.0 if step < at else to


def resting(at, level):
    return lambda step: level * max(1.0, 1.0 + (at - step) / 10)


def drive_courses(
    courses, steps=500, settling=NEVER, decay=None, grid=None, wanted=CHECKED, **more
):
    engine = Courses(courses)
    grid = recording_grid(steps, 2, 3) if grid is None else np.array(grid)
    decay = decay or decay_named("none", 0.0, None)
    return drive(engine, len(courses), grid, decay, settling, wanted, **more), engine


def test_values_are_those_of_the_recorded_steps():
    recording, engine = drive_courses([decaying(0.01), decaying(0.02)])
    expected = np.exp(np.outer([-0.01, -0.02], recording.steps))
    np.testing.assert_allclose(recording.values["error_norm", ""], expected, rtol=1e-14)
    assert recording.status.tolist() == ["ok", "ok"]
    assert recording.end_step.tolist() == [500, 500]
    assert engine.observed == recording.steps.tolist()


def test_the_decay_of_each_step_is_the_schedule_s():
    for cutoff in (1, 77, 499):
        decay = decay_named("cutoff", 0.3, cutoff)
        _, engine = drive_courses([decaying(0.1)], decay=decay)
        assert engine.decays == [decay.decay_at(step) for step in range(500)]


def test_progress_is_told_every_few_steps_to_the_last():
    told = []
    drive_courses([decaying(0.1)], grid=[0, 500], progress=told.append)
    assert told[-1] == 500
    assert 0 < max(np.diff([0, *told])) <= 64


def test_no_step_at_all():
    recording, _ = drive_courses([decaying(0.1)], steps=0)
    assert recording.steps.tolist() == [0]
    assert recording.values["error_norm", ""].tolist() == [[1.0]]


@pytest.mark.parametrize("at", [1, 2, 63, 64, 65, 100, 300, 499, 500])
@pytest.mark.parametrize("to", [np.nan, np.inf, 1.1e6])
@pytest.mark.parametrize("grid", [[0, 500], [0, 100, 300, 500], list(range(501))])
def test_divergence_is_found_at_its_step_on_every_grid(at, to, grid):
    recording, _ = drive_courses([decaying(0.01), jumping(at, to), decaying(0.02)], grid=grid)
    assert recording.status.tolist() == ["ok", "diverged", "ok"]
    assert recording.end_step.tolist() == [500, at, 500]
    norms = recording.values["error_norm", ""]
    steps = recording.steps
    assert (norms[1, steps < at] == 1.0).all()
    assert np.isnan(norms[1, steps >= at]).all()
    np.testing.assert_allclose(norms[2], np.exp(-0.02 * steps), rtol=1e-14)


def test_an_error_a_million_times_the_initial_one_is_not_yet_diverged():
    recording, _ = drive_courses([jumping(10, 1e6)])
    assert recording.status.tolist() == ["ok"]


def test_an_excursion_between_recorded_steps_is_a_divergence():
    recording, _ = drive_courses([lambda step: 1e7 if step == 250 else 1.0], grid=[0, 500])
    assert recording.status.tolist() == ["diverged"]
    assert recording.end_step.tolist() == [250]


def test_all_may_diverge():
    recording, engine = drive_courses([jumping(3, np.nan), jumping(90, np.inf)])
    assert recording.end_step.tolist() == [3, 90]
    assert engine.step < 200
    assert np.isnan(recording.values["error_norm", ""][:, -1]).all()


def test_a_settled_replicate_repeats_its_value():
    settling = Settling(tolerance=1e-6, window=50, floor=0.0)
    courses = [decaying(0.01), resting(120, 0.5), jumping(400, np.nan), resting(290, 0.25)]
    recording, engine = drive_courses(courses, settling=settling)
    # At rest from 120: the first window without change is that from 150 to 200.
    assert recording.status.tolist() == ["unsettled", "settled", "settled", "settled"]
    assert recording.end_step.tolist() == [500, 200, 50, 350]
    norms = recording.values["error_norm", ""]
    assert (norms[1, recording.steps >= 200] == 0.5).all()
    assert (norms[1, recording.steps < 120] > 0.5).all()
    assert (norms[2] == 1.0).all()
    assert len(engine.courses) == 1


def test_a_check_alone_asks_for_what_settling_needs():
    settling = Settling(tolerance=1e-6, window=30, floor=0.0)
    courses, wanted = [decaying(0.01), resting(120, 0.5)], CHECKED | {"lambda_min_G"}
    recording, engine = drive_courses(courses, settling=settling, grid=[0, 70, 500], wanted=wanted)
    assert recording.end_step.tolist() == [500, 150]
    # Once more at the step at which a replicate is found settled.
    assert [step for step, asked in engine.asked if asked == wanted] == [0, 70, 150, 500]
    assert {asked for _, asked in engine.asked} == {wanted, CHECKED}
    assert recording.values["lambda_min_G", ""][1].tolist() == [2.0 * (1 + 12) / 2, 6.0, 1.0]


def test_below_the_floor_a_replicate_is_settled():
    settling = Settling(tolerance=0.0, window=50, floor=1e-3)
    recording, _ = drive_courses([decaying(0.05), decaying(0.001)], settling=settling)
    assert recording.status.tolist() == ["settled", "ok"]
    assert recording.end_step.tolist() == [150, 500]


def test_a_window_of_zero_settles_nothing():
    settling = Settling(tolerance=1.0, window=0, floor=1.0)
    recording, _ = drive_courses([resting(0, 1.0)], settling=settling)
    assert recording.status.tolist() == ["ok"]


@pytest.mark.parametrize(("cutoff", "end"), [(120, 200), (150, 200), (151, 250)])
def test_nothing_settles_before_the_last_change_of_decay(cutoff, end):
    settling = Settling(tolerance=1e-6, window=50, floor=1e-3)
    decay = decay_named("cutoff", 0.3, cutoff)
    recording, _ = drive_courses([resting(0, 1.0)], settling=settling, decay=decay)
    assert recording.end_step.tolist() == [end]


def test_a_loss_at_rest_is_settled_from_its_earliest_end_on():
    """Song 2021's code: a change below a bound seen at a check, and a least number of steps."""
    courses = [resting(0, 0.5), resting(320, 0.5), lambda step: 3.0 - step / 400]
    for after, ends in ((0, [50, 400, 500]), (130, [130, 400, 500]), (450, [450, 450, 500])):
        settling = Settling(tolerance=0.0, window=50, floor=0.0, loss_change=1e-4, after=after)
        recording, _ = drive_courses(courses, settling=settling)
        assert recording.end_step.tolist() == ends
        assert recording.status.tolist() == ["settled", "settled", "unsettled"]
        assert recording.values["error_norm", ""][1, -1] == 0.5


@pytest.mark.parametrize("layer", ["all", "output"])
def test_a_moving_alignment_does_not_settle(layer):
    def state(norms, alignments):
        values = {("loss", ""): norms, ("error_norm", ""): norms}
        values |= {("weight_alignment", layer): alignments}
        return {key: np.array(value) for key, value in values.items()}

    settling = Settling(tolerance=1e-3, window=10, floor=0.0)
    before = state([1, 1, 1], [0.1, 0.1, 0.1])
    now = state([1, 1, 1.1], [0.1, 0.2, 0.1])
    assert settling.settled(before, now, np.ones(3)).tolist() == [True, False, False]


def test_divergence_and_settling_do_not_shift_other_lanes():
    settling = Settling(tolerance=1e-6, window=50, floor=0.0)
    courses = [jumping(70, np.inf), resting(10, 0.5), decaying(0.003), jumping(130, np.nan)]
    recording, _ = drive_courses(courses, settling=settling, grid=range(0, 501, 20))
    assert recording.status.tolist() == ["settled", "settled", "unsettled", "settled"]
    slower = Settling(tolerance=1e-6, window=100, floor=0.0)
    recording, _ = drive_courses(courses, settling=slower, grid=range(0, 501, 20))
    assert recording.status.tolist() == ["diverged", "settled", "unsettled", "settled"]
    assert recording.end_step.tolist() == [70, 200, 500, 100]
    expected = np.exp(-0.003 * recording.steps)
    np.testing.assert_allclose(recording.values["error_norm", ""][2], expected, rtol=1e-14)
