"""Published values: the files of the project are sound, and a file that is not is refused."""

import re
from functools import cache
from pathlib import Path

import pytest

from feedback_alignment.errors import InputError
from feedback_alignment.published import read_published

FOLDER = Path(__file__).parents[1] / "resources/published"
ROWS = {"alignment": 84, "stopping": 438, "mnist": 297, "loss": 1192}


read = cache(read_published)


def points(name, metric=None, step=None, **settings):
    """Points of a file of the project with the given settings."""
    return [
        point
        for point in read(FOLDER / f"song2021_{name}.csv")
        if metric in (None, point.metric)
        and step in (None, point.step)
        and settings.items() <= point.settings.items()
    ]


def mean(*args, **settings):
    (point,) = points(*args, **settings)
    return point.mean


@pytest.mark.parametrize("name", ROWS)
def test_every_row_is_valid(name):
    found = points(name)
    assert len(found) == ROWS[name]
    assert all(abs(point.mean) <= 1 for point in found if point.metric != "loss")
    assert all(point.mean > 0 for point in found if point.metric == "loss")


def test_the_readme_tells_of_every_file():
    told = re.findall(r"^\| `(\w+\.csv)` \| (\d+) \|", (FOLDER / "README.md").read_text(), re.M)
    assert {name: int(count) for name, count in told} == {
        f"song2021_{name}.csv": count for name, count in ROWS.items()
    }
    assert {path.name for path in FOLDER.glob("*.csv")} == {name for name, _ in told}


# Lambda by network, and the published means in that order.
LAMBDAS = {
    "linear": (0, 0.2, 0.3, 0.5),
    "relu": (0, 0.02, 0.05, 0.2),
    "tanh": (0, 0.001, 0.002, 0.005),
}


@pytest.mark.parametrize(
    ("activation", "width", "means"),
    [
        ("linear", 200, (0.206, 0.790, 0.867, 0.920)),
        ("linear", 12800, (0.004, 0.551, 0.770, 0.866)),
        ("relu", 800, (0.073, 0.411, 0.687, 0.860)),
        ("relu", 12800, (0.006, 0.513, 0.721, 0.846)),
        ("tanh", 200, (0.260, 0.328, 0.371, 0.517)),
        ("tanh", 3200, (0.050, 0.258, 0.467, 0.533)),
    ],
)
def test_alignments(activation, width, means):
    found = [
        mean("alignment", "weight_alignment", activation=activation, width=width, l2=l2)
        for l2 in LAMBDAS[activation]
    ]
    assert found == pytest.approx(means, abs=6e-4)


def test_the_alignments_by_steps_are_the_same_runs():
    for point in points("alignment"):
        parts = points("stopping", **point.settings)
        assert sum(part.n for part in parts) == point.n == 50
        total = sum(part.n * part.mean for part in parts)
        assert total / 50 == pytest.approx(point.mean, abs=2e-6)


def test_two_groups_stopped_apart():
    parts = points("stopping", activation="linear", l2=0.2, width=12800)
    assert (parts[0].step, parts[0].n) == (40000, 18)
    assert 0.35 < parts[0].mean < 0.41
    assert min(part.step for part in parts[1:]) > 60000
    assert all(part.mean > 0.5 for part in parts[1:])


@pytest.mark.parametrize(
    ("metric", "l2", "means"),
    [
        ("accuracy", 0, (0.794, 0.840, 0.885)),
        ("accuracy", 0.1, (0.906, 0.908, 0.916)),
        ("accuracy", 0.3, (0.888, 0.893, 0.906)),
        ("sample_signal_alignment", 0, (0.028, 0.040, 0.071)),
        ("sample_signal_alignment", 0.1, (0.177, 0.298, 0.550)),
        ("sample_signal_alignment", 0.3, (0.274, 0.430, 0.660)),
    ],
)
def test_mnist(metric, l2, means):
    found = [mean("mnist", metric, 100 * epoch, l2=l2) for epoch in (50, 100, 300)]
    assert found == pytest.approx(means, abs=6e-4)
    assert all(point.n == 10 and point.sd > 0 for point in points("mnist"))


def test_mnist_weights():
    found = [mean("mnist", "weight_alignment", 30000, l2=l2) for l2 in (0, 0.1, 0.3)]
    assert found == pytest.approx((0.063, 0.528, 0.632), abs=6e-4)


@pytest.mark.parametrize(
    ("activation", "ends"),
    [
        ("linear", (1.7e-5, 0.20, 0.41, 0.96)),
        ("relu", (3.3e-11, 4.3e-3, 0.019, 0.083)),
        ("tanh", (7e-9, 4.9e-4, 1.7e-3, 7.5e-3)),
    ],
)
def test_losses_at_the_end(activation, ends):
    found = [mean("loss", "loss", 4950, activation=activation, l2=l2) for l2 in LAMBDAS[activation]]
    assert found == pytest.approx(ends, rel=0.15)


HEADER = "width,l2,step,metric,mean,sd,n\n"
GOOD = HEADER + "20,0.1,0,loss,1.5,0.1,3\n"
WRONG = {
    "empty file": ("", 'line 1: the column "metric" is missing; there are: none'),
    "no rows": (HEADER, "there are no rows below the names of the columns"),
    "missing column": (
        GOOD.replace("mean", "average"),
        'line 1: the column "mean" is missing; there are: width, l2, step, metric, average, sd, n',
    ),
    "unknown column": (
        GOOD.replace("width", "widht"),
        'line 1: unknown column "widht"; did you mean "width"?; '
        "allowed: a setting, step, metric, layer, mean, sd, n",
    ),
    "column twice": (
        GOOD.replace("width", "l2"),
        'line 1: the column "l2" stands twice; keep one',
    ),
    "too few cells": (GOOD + "20,0.1,50,loss,1.5\n", "line 3: sd: missing"),
    "too many cells": (GOOD + "20,0.1,50,loss,1.5,,3,4\n", "line 3: 8 cells, but 7 columns"),
    "text for a mean": (
        GOOD.replace("1.5", "much"),
        'line 2: mean: "much" is not allowed; allowed: a finite number',
    ),
    "infinite mean": (
        GOOD.replace("1.5", "inf"),
        'line 2: mean: "inf" is not allowed; allowed: a finite number',
    ),
    "negative sd": (
        GOOD.replace("0.1,3", "-0.1,3"),
        'line 2: sd: "-0.1" is not allowed; allowed: a finite number, 0 or more',
    ),
    "no runs": (
        GOOD.replace(",3\n", ",0\n"),
        'line 2: n: "0" is not allowed; allowed: a whole number, 1 or more',
    ),
    "broken step": (
        GOOD.replace(",0,loss", ",0.5,loss"),
        'line 2: step: "0.5" is not allowed; allowed: a whole number, 0 or more',
    ),
    "text for a setting": (
        GOOD.replace("20,", "wide,"),
        'line 2: width: "wide" is not allowed; allowed: a whole number, 0 or more',
    ),
    "no metric": (
        GOOD.replace("loss", ""),
        'line 2: metric: "" is not allowed; allowed: text that is not empty',
    ),
    "point twice": (GOOD + GOOD.splitlines()[1], "line 3: the same point as in line 2; keep one"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_one_line(name, tmp_path):
    text, message = WRONG[name]
    path = tmp_path / "t.csv"
    path.write_text(GOOD)
    read_published(path)
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_published(path)
    assert str(caught.value) == f"{path}: {message}"


def test_a_file_that_cannot_be_read_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"t\.csv: there is no such file$"):
        read_published(tmp_path / "t.csv")
    with pytest.raises(InputError, match=r": cannot be read: .*directory.*$"):
        read_published(tmp_path)
    (tmp_path / "t.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"t\.csv: cannot be read: "):
        read_published(tmp_path / "t.csv")
