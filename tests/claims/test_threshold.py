import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_alignment.claims import ClaimsError, Threshold
from feedback_alignment.claims.threshold import above, at_least, at_most, below, between

numbers = st.floats(-10, 10)


@pytest.mark.parametrize(
    ("kind", "value", "good"),
    [
        ("at_least", 1.0, True),
        ("above", 1.0, False),
        ("at_most", 1.0, True),
        ("below", 1.0, False),
        ("at_least", 0.9, False),
        ("above", 1.1, True),
        ("at_most", 1.1, False),
        ("below", 0.9, True),
    ],
)
def test_bound_itself_belongs_to_at_least_and_at_most(kind, value, good):
    assert Threshold(kind, 1.0).holds(value) is good
    assert Threshold(kind, 1.0).side(value, value) is good


@pytest.mark.parametrize("kind", ["at_least", "above", "at_most", "below"])
def test_nan_never_holds(kind):
    assert not Threshold(kind, 1.0).holds(math.nan)


@pytest.mark.parametrize(
    ("low", "high", "side"),
    [
        (-0.6, -0.4, True),
        (-0.75, -0.25, True),
        (-0.8, -0.5, None),
        (-0.9, -0.1, None),
        (-0.2, 0.1, False),
        (-2.0, -0.8, False),
    ],
)
def test_sides_of_between(low, high, side):
    assert Threshold("between", -0.75, -0.25).side(low, high) is side


@given(numbers, numbers, numbers, st.sampled_from(["at_least", "above", "at_most", "below"]))
def test_side_agrees_with_every_point_of_the_interval(bound, one, other, kind):
    low, high = sorted((one, other))
    threshold = Threshold(kind, bound)
    points = [low, high] if not low <= bound <= high else [low, bound, high]
    held = {threshold.holds(point) for point in (low, high)}
    side = threshold.side(low, high)
    assert (side is None) == (len(held) == 2)
    if side:
        assert all(threshold.holds(point) for point in points)


@pytest.mark.parametrize(
    ("made", "text", "plain"),
    [
        (at_least(0.95), ">= 0.95", {"at_least": 0.95}),
        (above(0), "> 0", {"above": 0}),
        (at_most(1.0e-6), "<= 1e-06", {"at_most": 1e-6}),
        (below(-0.25), "< -0.25", {"below": -0.25}),
        (between(-0.75, -0.25), "in [-0.75, -0.25]", {"between": [-0.75, -0.25]}),
    ],
)
def test_makes_and_shows(made, text, plain):
    assert str(made) == text
    assert made.plain() == plain


@pytest.mark.parametrize(
    ("make", "values", "message"),
    [
        (above, ("0",), 'must be a number, not "0"'),
        (above, (True,), "must be a number, not true"),
        (above, (None,), "must be a number, not null"),
        (above, ([1],), "must be a number, not a list"),
        (above, (math.inf,), "must be a finite number, not inf"),
        (below, (math.nan,), "must be a finite number, not nan"),
        (between, (1, "b"), 'must be a number, not "b"'),
        (between, (2, 1), "the first of 2 and 1 must be the smaller one"),
    ],
)
def test_refuses(make, values, message):
    with pytest.raises(ClaimsError) as caught:
        make(*values)
    assert str(caught.value) == message
