import pytest

from feedback_alignment.claims.errors import NotRunError
from feedback_alignment.claims.filters import AXES
from feedback_alignment.claims.groups import comparable, groups, pairs


def condition(l2=0.0, schedule=None, cutoff_step=None, width=100, eta=1e-4):
    given = {"l2": l2, "schedule": schedule or ("constant" if l2 else "none")}
    given |= {"cutoff_step": cutoff_step, "width": width, "eta": eta}
    return {**dict.fromkeys(AXES, "same"), **given}


def named(conditions, found):
    return [[(conditions[i]["l2"], conditions[i]["schedule"]) for i in group] for group in found]


def test_group_holds_what_differs_in_the_axis_only():
    conditions = [condition(width=w, eta=eta) for eta in (1e-4, 1e-3) for w in (400, 100, 200)]
    assert groups(conditions, "width") == [[1, 2, 0], [4, 5, 3]]


def test_without_decay_is_the_zero_of_every_schedule():
    conditions = [
        condition(),
        condition(0.3),
        condition(1.0),
        condition(0.3, "cutoff", 50),
        condition(1.0, "cutoff", 80),
    ]
    assert named(conditions, groups(conditions, "l2")) == [
        [(0, "none"), (0.3, "constant"), (1, "constant")],
        [(0, "none"), (0.3, "cutoff"), (1, "cutoff")],
    ]


def test_pairs_between_schedules_keep_lambda():
    conditions = [
        condition(),
        condition(0.3),
        condition(1.0),
        condition(0.3, "cutoff", 50),
        condition(1.0, "cutoff", 80),
    ]
    assert pairs(conditions, "schedule", "constant", "cutoff") == [(1, 3), (2, 4)]
    assert pairs(conditions, "schedule", "none", "cutoff") == [(0, 3), (0, 4)]
    assert pairs(conditions, "l2", 0.0) == [(0, 1), (0, 2), (0, 3), (0, 4)]
    assert pairs(conditions, "l2", None, 0.0) == [(1, 0), (2, 0), (3, 0), (4, 0)]


def test_layers_that_decay_mean_nothing_without_decay():
    everywhere = {"decay_layers": "all"}
    conditions = [
        {**condition(), "decay_layers": "output"},
        {**condition(0.3), **everywhere},
        {**condition(1.0), **everywhere},
        {**condition(1.0), "decay_layers": "output"},
    ]
    assert pairs(conditions, "l2", 0.0) == [(0, 1), (0, 2), (0, 3)]
    assert groups(conditions, "l2") == [[0, 1, 2], [0, 3]]
    assert not comparable(conditions[1], conditions[3], "l2")
    assert not comparable(conditions[0], conditions[1], "width")


def test_ends_are_named_as_declarations_write_them():
    with pytest.raises(NotRunError, match='needs rule "" and bp among otherwise equal'):
        pairs([condition()], "rule", "", "bp")
    with pytest.raises(NotRunError, match="needs bias true and another value among otherwise"):
        pairs([condition()], "bias", True)


@pytest.mark.parametrize("column", ["engine", "dtype", "weights", "device", "parametrisation"])
def test_how_a_run_is_computed_is_never_pooled(column):
    conditions = [{**condition(width=w), column: how} for how in "ab" for w in (200, 100)]
    assert groups(conditions, "width") == [[1, 0], [3, 2]]
    assert not comparable(conditions[0], conditions[3], "width")
    with pytest.raises(NotRunError):
        groups([conditions[0], conditions[3]], "width")


def test_width_is_never_crossed_when_comparing_decays():
    assert comparable(condition(), condition(0.3), "l2")
    assert not comparable(condition(), condition(0.3, width=200), "l2")
    assert not comparable(condition(0.1), condition(0.3), "width")


@pytest.mark.parametrize(
    ("conditions", "along"),
    [
        ([condition()], "width"),
        ([condition(), condition()], "l2"),
        ([condition(0.3), condition(1.0, width=200)], "l2"),
    ],
)
def test_one_value_is_no_axis(conditions, along):
    with pytest.raises(NotRunError, match=f"needs two values of {along} among otherwise equal"):
        groups(conditions, along)


def test_missing_ends_are_named():
    with pytest.raises(NotRunError, match="needs l2 0 and another value among otherwise equal"):
        pairs([condition(0.3), condition(1.0)], "l2", 0.0)
    with pytest.raises(NotRunError, match="needs schedule none and cutoff among otherwise equal"):
        pairs([condition(), condition(1.0)], "schedule", "none", "cutoff")


def test_along_the_case_interventions_may_differ_and_nothing_else():
    def of(case, step=None, **settings):
        return {**condition(**settings), "freeze_step": step, "tie_angle": 0.0, "case": case}

    conditions = [of(("trained", "search")), of(("frozen",), 0), of(("frozen",), 0, width=200)]
    assert pairs(conditions, "case", "trained", "frozen") == [(0, 1)]
    assert pairs(conditions, "case", "search") == [(0, 1)]
    assert groups(conditions, "case") == [[1, 0]]
    with pytest.raises(NotRunError, match="needs case trained and tied among otherwise equal"):
        pairs(conditions, "case", "trained", "tied")
