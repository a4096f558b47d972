"""Formulas: numbers that a config computes from a condition's other settings."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_alignment.config import parse_config
from feedback_alignment.config.formulas import Formula
from feedback_alignment.errors import ConfigError

SETTINGS = {"width": 200, "eta": 0.01, "steps": 10, "bias": True, "rule": "fa", "cutoff_step": None}


def test_the_least_steps_of_song_2021():
    least = Formula("", "5000 * sqrt(width) // 14")
    widths = [200 * 2**k for k in range(7)]
    expected = [5050, 7142, 10101, 14285, 20203, 28571, 40406]
    assert [least.value({"width": width}) for width in widths] == expected


@given(width=st.integers(1, 10**9), eta=st.floats(1e-6, 10))
def test_arithmetic_is_python_s(width, eta):
    text = "-(width + 3) * eta ** 2 / 7 - min(log(width), max(eta, 2)) // 3 + round(width / 3)"
    expected = -(width + 3) * eta**2 / 7 - min(math.log(width), max(eta, 2)) // 3
    expected += round(width / 3)
    found = Formula("", text).value({"width": width, "eta": eta})
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5 *", r'a.b: "5 \*" is no formula; allowed: numbers, settings'),
        ("[1]", "is no formula"),
        ("sqrt(width", "is no formula"),
        ("exp(width)", "is no formula"),
        ("__import__('os')", "is no formula"),
        ("width.real", "is no formula"),
        ("sqrt()", "is no formula"),
        ("'a'", "is no formula"),
        ("True", "is no formula"),
        ("(0 - width) ** 0.5", "has no value: the root of less than 0"),
        ("depht * 2", '^a.b: "depht" is no number that is given; allowed: numbers, settings'),
        ("bias + 1", '"bias" is no number'),
        ("rule", '"rule" is no number'),
        ("cutoff_step", '"cutoff_step" is no number'),
        ("width / (eta - 0.01)", "has no value: .*division by zero"),
        ("sqrt(0 - width)", "has no value"),
        ("10 ** 400 ** 2", "has no value"),
    ],
)
def test_what_cannot_be_computed_is_one_line(text, message):
    with pytest.raises(ConfigError, match=message) as caught:
        Formula("a.b", text).value(SETTINGS)
    assert "\n" not in str(caught.value)


def conditions_of(**experiment):
    """The conditions of a config with one experiment."""
    content = {"name": "x", "experiments": {"e": experiment}}
    return parse_config(content, {}).experiments[0].conditions


GRID = {"width": [100, 400], "l2": [0, 0.1]}


def test_each_condition_has_its_own_number_and_a_number_given_later_wins():
    found = conditions_of(
        settings={"formulas": {"steps": "20 * sqrt(width)"}},
        grid=GRID,
        when=[{"match": {"l2": 0.1}, "set": {"formulas": {"eta": "0.1 / width"}}}],
        include=[{"width": 900, "steps": 7}],
    )
    assert [(c.width, c.l2, c.steps, c.eta) for c in found] == [
        (100, 0.0, 200, 0.001),
        (100, 0.1, 200, 0.001),
        (400, 0.0, 400, 0.001),
        (400, 0.1, 400, 0.00025),
        (900, 0.0, 7, 0.001),
    ]


@pytest.mark.parametrize(
    ("formulas", "message"),
    [
        ({"steps": "width / 3"}, r"e\.settings\.formulas\.steps: .*whole number"),
        (
            {"steps": "0 - width"},
            r"e\.settings\.formulas\.steps: -100 is not allowed; allowed: 0 or more",
        ),
        ({"stpes": "width"}, r'e\.settings\.formulas\.stpes: .*did you mean "steps"'),
        ({"steps": "eta2"}, r'e\.settings\.formulas\.steps: "eta2" is no number'),
        ({"rule": "width"}, r"e\.settings\.formulas\.rule: .*text"),
        ({"steps": 7}, r"e\.settings\.formulas\.steps: .*text"),
        ({"steps": "settle_after", "settle_after": "width"}, r'"settle_after" is no number'),
    ],
)
def test_a_formula_that_does_not_fit_names_its_key(formulas, message):
    with pytest.raises(ConfigError, match=message):
        conditions_of(settings={"formulas": formulas}, grid=GRID)


def test_a_number_and_a_formula_at_one_place():
    with pytest.raises(ConfigError, match=r"formulas\.steps: steps has a value beside it already"):
        conditions_of(settings={"steps": 5, "formulas": {"steps": "width"}}, grid=GRID)


def test_the_earliest_end_of_a_settled_run_is_one_of_its_steps():
    message = r"settle_after: 200 is after the last step; allowed: 0 to 150 \(steps is 150\)"
    with pytest.raises(ConfigError, match=message):
        conditions_of(
            settings={"steps": 150, "settle_window": 10, "formulas": {"settle_after": "2 * width"}},
            grid={"width": [100]},
        )
