"""Make tables of published values from the runs of Song 2021's authors.

`README.md` says what each of their files is.
"""

import argparse
import re
import statistics
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from feedback_alignment.errors import InputError
from feedback_alignment.files import write_text
from feedback_alignment.published import COLUMNS, PublishedPoint
from feedback_alignment.rows import Row, read_lines, read_rows

# The table of a network's runs, and the log that has their steps, run by run in the same order.
_ALIGNMENT = {
    "linear": ("dataframes/df_lr_non_autograd_l2_v6.csv", "slurm-26712080.out"),
    "relu": ("dataframes/df_nn_relu_autograd_l2_v6.csv", "slurm-26712086.out"),
    "tanh": ("dataframes/df_nn_tanh_autograd_l2_v6.csv", "slurm-26712099.out"),
}
_WIDTH, _L2, _COSINE = "$p$ Hidden Layer Width", r"Regularization $\lambda$", "Alignment"
# The logs of the MNIST jobs 0 to 9.
_MNIST = (
    "slurm-26712835.out",
    "slurm-26713004.out",
    "slurm-26713021.out",
    "slurm-26713776.out",
    "slurm-26714131.out",
    "slurm-26716550.out",
    "slurm-26716551.out",
    "slurm-26719663.out",
    "slurm-26719847.out",
    "slurm-26712806.out",
)
_STEPS_OF_EPOCH = 100
# 300 epochs make smooth curves; these show them.
_EPOCHS = (1, 2, 5, *range(10, 301, 10))

# What tells one point from another: settings, metric, layer, step.
_Key = tuple[tuple[tuple[str, str | int | float], ...], str, str, int | None]
_Values = Iterable[tuple[_Key, float]]


@dataclass(frozen=True)
class AlignmentRun:
    """A run on teacher-student data: its settings, steps (as logged) and final cosine."""

    activation: str
    width: int
    l2: float
    steps: int
    weight_alignment: float


@dataclass(frozen=True)
class MnistEpoch:
    """The state of an MNIST run after an epoch (from 1): cosines, accuracy on the test set."""

    l2: float
    epoch: int
    sample_signal_alignment: float
    weight_alignment: float
    accuracy: float


def write_song2021(checkout: Path, folder: Path) -> list[Path]:
    """Write the tables that follow from the authors' runs.

    Args:
        checkout: the authors' repository.
        folder: where to write `song2021_alignment.csv`, `_stopping.csv`, `_mnist.csv`.

    Returns:
        the files written.

    Raises:
        InputError: a file of the checkout is missing or not as expected, and nothing is written; or
            the folder cannot be written to; one line.
    """
    runs, epochs = read_alignment_runs(checkout), read_mnist_epochs(checkout)
    tables = {
        folder / "song2021_alignment.csv": alignment_points(runs),
        folder / "song2021_stopping.csv": stopping_points(runs),
        folder / "song2021_mnist.csv": mnist_points(epochs),
    }
    try:
        for path, points in tables.items():
            write_table(path, points)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror}") from None
    return list(tables)


def write_table(path: Path, points: Sequence[PublishedPoint]) -> None:
    """Write a table of published values, with the columns that its points need.

    Args:
        path: the CSV file.
        points: at least one; all with the same settings, in the order of the columns.
    """
    rows = [
        {
            **{name: _shown(value) for name, value in point.settings.items()},
            **{name: _shown(getattr(point, name)) for name in COLUMNS},
        }
        for point in points
    ]
    columns = [name for name in rows[0] if any(row[name] for row in rows)]
    lines = [columns, *([row[name] for name in columns] for row in rows)]
    write_text(path, "".join(",".join(line) + "\n" for line in lines))


def alignment_points(runs: Iterable[AlignmentRun]) -> list[PublishedPoint]:
    """Weight alignment at the end of training, by activation, width and lambda."""
    return _summarise((_end(run, None), run.weight_alignment) for run in runs)


def stopping_points(runs: Iterable[AlignmentRun]) -> list[PublishedPoint]:
    """The same, apart for the runs that stopped after the same number of steps."""
    return _summarise((_end(run, run.steps), run.weight_alignment) for run in runs)


def mnist_points(epochs: Iterable[MnistEpoch]) -> list[PublishedPoint]:
    """Accuracy and alignments against the step, by lambda, at some of the epochs."""
    layers = {"accuracy": "", "sample_signal_alignment": "output", "weight_alignment": "output"}
    return _summarise(
        (((("l2", e.l2),), metric, layer, e.epoch * _STEPS_OF_EPOCH), getattr(e, metric))
        for e in epochs
        if e.epoch in _EPOCHS
        for metric, layer in layers.items()
    )


def read_alignment_runs(checkout: Path) -> list[AlignmentRun]:
    """Read the runs of the three networks on teacher-student data.

    Raises:
        InputError: a file is missing or not as expected; one line.
    """
    runs = []
    for activation, (table, log) in _ALIGNMENT.items():
        rows = read_rows(checkout / table, (_WIDTH, _L2, _COSINE))
        ends = list(_read_ends(checkout / log))
        if len(ends) != len(rows):
            raise InputError(
                f"{checkout / log}: it has {len(ends)} runs, {checkout / table} has {len(rows)}; "
                "they must have as many"
            )
        for row, (place, steps, cosine) in zip(rows, ends, strict=True):
            # The log rounds to eight decimals.
            if abs(row.number(_COSINE) - cosine) > 1e-7:
                raise InputError(f"{place}: the alignment {cosine} is not that of {row.place}")
            width, l2 = row.whole(_WIDTH, least=1), row.number(_L2, least=0)
            runs.append(AlignmentRun(activation, width, l2, steps, row.number(_COSINE)))
    return runs


def read_mnist_epochs(checkout: Path) -> list[MnistEpoch]:
    """Read all epochs of the MNIST jobs.

    Raises:
        InputError: a file is missing or not as expected; one line.
    """
    jobs = [list(_read_epochs(checkout / log)) for log in _MNIST]
    first = [(e.l2, e.epoch) for e in jobs[0]]
    for log, job in zip(_MNIST, jobs, strict=True):
        if not job or [(e.l2, e.epoch) for e in job] != first:
            counts = Counter(e.l2 for e in job)
            there = ", ".join(f"{count} of lambda {l2:g}" for l2, count in counts.items())
            raise InputError(
                f"{checkout / log}: its epochs are {there or 'missing'}; "
                f"they must be those of {_MNIST[0]}"
            )
    return [e for job in jobs for e in job]


def _read_ends(log: Path) -> Iterator[tuple[str, int, float]]:
    """Place, steps and final cosine of each run in a log.

    A run's lines are `999 LOSS [COSINE]`, with the index of the step just made, and at its end
    `[COSINE]`.
    """
    steps = 0
    for place, line in read_lines(log):
        if progress := re.fullmatch(r"(\d+) \S+ \[.*\]", line):
            steps = int(progress[1]) + 1
        elif end := re.fullmatch(r"\[(.*)\]", line):
            row = Row(place, {"alignment": end[1]})
            yield place, steps, row.number("alignment")


def _read_epochs(log: Path) -> Iterator[MnistEpoch]:
    """The epochs in a log of MNIST.

    An epoch's lines are `[SIGNAL WEIGHT]`, two cosines, and `99 LOSS ACCURACY`; a line says from
    where on they are those of another lambda.
    """
    l2, epoch, cosines = 0.0, 0, ["", ""]
    for place, line in read_lines(log):
        if level := re.fullmatch(r"Working on regularization level (.*)", line):
            l2, epoch = Row(place, {"lambda": level[1]}).number("lambda", least=0), 0
        elif pair := re.fullmatch(r"\[\s*(\S+)\s+(\S+)\s*\]", line):
            cosines = [pair[1], pair[2]]
        elif tested := re.fullmatch(r"\d+ \S+ (\S+)", line):
            epoch += 1
            row = Row(place, {"signal": cosines[0], "weight": cosines[1], "accuracy": tested[1]})
            values = (row.number(name) for name in row.cells)
            yield MnistEpoch(l2, epoch, *values)


def _end(run: AlignmentRun, step: int | None) -> _Key:
    settings = (("activation", run.activation), ("width", run.width), ("l2", run.l2))
    return settings, "weight_alignment", "output", step


def _summarise(values: _Values) -> list[PublishedPoint]:
    """Mean and standard deviation (divisor n - 1) of the values of each key, keys in order."""
    groups: dict[_Key, list[float]] = {}
    for key, value in values:
        groups.setdefault(key, []).append(value)
    return [
        PublishedPoint(
            settings=dict(settings),
            metric=metric,
            layer=layer,
            step=step,
            mean=statistics.fmean(group),
            sd=statistics.stdev(group) if len(group) > 1 else None,
            n=len(group),
        )
        for (settings, metric, layer, step), group in sorted(groups.items())
    ]


def _shown(value: str | int | float | None) -> str:
    """A value in the table; six digits say more than any of them is known to."""
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def main() -> None:
    """Write the tables of a checkout; a mistake in it ends this with one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path, help="their repository")
    parser.add_argument(
        "--into", type=Path, default=Path(__file__).parent, help="folder of the tables"
    )
    args = parser.parse_args()
    try:
        print(*write_song2021(args.checkout, args.into), sep="\n")
    except InputError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
