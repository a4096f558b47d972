"""Tables of published values from a folder of the form of the authors' repository."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feedback_alignment.errors import InputError
from feedback_alignment.published import PublishedPoint, read_published

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "resources/published/song2021.py"
_SPEC = importlib.util.spec_from_file_location("song2021", SCRIPT)
song2021 = importlib.util.module_from_spec(_SPEC)
# Its dataclasses look themselves up there.
sys.modules["song2021"] = song2021
_SPEC.loader.exec_module(song2021)
RUNS = {
    "linear": ("dataframes/df_lr_non_autograd_l2_v6.csv", "slurm-26712080.out"),
    "relu": ("dataframes/df_nn_relu_autograd_l2_v6.csv", "slurm-26712086.out"),
    "tanh": ("dataframes/df_nn_tanh_autograd_l2_v6.csv", "slurm-26712099.out"),
}
JOBS = (
    *(26712835, 26713004, 26713021, 26713776, 26714131),
    *(26716550, 26716551, 26719663, 26719847, 26712806),
)
COLUMNS = ["$p$ Hidden Layer Width", "Alignment", r"Regularization $\lambda$", "Activation"]


@pytest.fixture
def made(tmp_path):
    """A folder of that form with small numbers, and what is in it."""
    rng = np.random.default_rng(0)
    (tmp_path / "dataframes").mkdir()
    runs, epochs = [], []
    for activation, (table, log) in RUNS.items():
        rows, lines = [], ["cuda:0", "Generate alignment plot"]
        for l2 in (0.0, 0.2):
            for width in (200, 400):
                for checks in rng.integers(1, 3, size=4):
                    cosine = rng.uniform(-1, 1)
                    rows.append((width, cosine, l2, activation))
                    runs.append((activation, width, l2, 1000 * checks, cosine))
                    for check in range(checks):
                        lines.append(f"{1000 * check + 999} {rng.uniform()} [{rng.uniform()}]")
                    lines.append(f"[{cosine:.8g}]")
        pd.DataFrame(rows, columns=COLUMNS).to_csv(tmp_path / table, index=False)
        (tmp_path / log).write_text("\n".join(lines) + "\n")
    for number in JOBS:
        lines = ["cuda:0", "8", "Preparing datasets..."]
        for l2 in ("0", "0.1"):
            lines.append(f"Working on regularization level {l2}")
            for epoch in range(1, 12):
                signal, weight, accuracy = (float(f"{x:.6g}") for x in rng.uniform(0, 1, 3))
                # Numpy fills up with spaces.
                lines += [f"[ {signal}  {weight} ]", f"99 {rng.uniform()} {accuracy}"]
                epochs.append((float(l2), 100 * epoch, accuracy, signal, weight))
        (tmp_path / f"slurm-{number}.out").write_text("\n".join(lines) + "\n")
    runs = pd.DataFrame(runs, columns=["activation", "width", "l2", "step", "weight_alignment"])
    names = ["l2", "step", "accuracy", "sample_signal_alignment", "weight_alignment"]
    return tmp_path, runs, pd.DataFrame(epochs, columns=names)


def check(path, measured, keys, metric, layer):
    """A written table has mean, spread and number of the measured values of a metric."""
    groups = measured.groupby(keys)[metric].agg(["mean", "std", "count"])
    points = [point for point in read_published(path) if point.metric == metric]
    assert len(points) == len(groups)
    for point in points:
        place = point.settings | {"step": point.step}
        mean, sd, count = groups.loc[tuple(place[key] for key in keys)]
        assert (point.layer, point.n) == (layer, count)
        assert point.mean == pytest.approx(mean, rel=1e-5)
        assert point.sd == (None if count == 1 else pytest.approx(sd, rel=1e-5))


def test_the_tables_are_those_of_the_runs(made, tmp_path):
    checkout, runs, epochs = made
    paths = song2021.write_song2021(checkout, tmp_path / "tables")
    names = [f"song2021_{name}.csv" for name in ("alignment", "stopping", "mnist")]
    assert [path.name for path in paths] == names
    alignment, stopping, mnist = paths
    keys = ["activation", "width", "l2"]
    check(alignment, runs, keys, "weight_alignment", "output")
    check(stopping, runs, [*keys, "step"], "weight_alignment", "output")
    shown = epochs[epochs.step.isin([100, 200, 500, 1000])]
    check(mnist, shown, ["l2", "step"], "accuracy", "")
    check(mnist, shown, ["l2", "step"], "sample_signal_alignment", "output")
    check(mnist, shown, ["l2", "step"], "weight_alignment", "output")
    shipped = [(ROOT / "resources/published" / name).read_text() for name in names]
    assert [path.read_text().split("\n")[0] for path in paths] == [
        text.split("\n")[0] for text in shipped
    ]


def test_what_is_written_is_read_again(tmp_path):
    path = tmp_path / "t.csv"
    settings = {"activation": "tanh", "width": 20, "l2": 0.001}
    written = [
        PublishedPoint(settings, "weight_alignment", "output", None, -0.25, 0.5, 3),
        PublishedPoint(settings, "loss", "", None, 1.23457e-11, None, 1),
    ]
    song2021.write_table(path, written)
    assert path.read_text() == (
        "activation,width,l2,metric,layer,mean,sd,n\n"
        "tanh,20,0.001,weight_alignment,output,-0.25,0.5,3\n"
        "tanh,20,0.001,loss,,1.23457e-11,,1\n"
    )
    assert read_published(path) == tuple(written)


LINEAR, LOG = RUNS["linear"]
JOB = f"slurm-{JOBS[3]}.out"
# What is done to a file (old text, new text, how often; None to remove it), and the message.
WRONG = {
    "no table": ((LINEAR, None), f"{LINEAR}: there is no such file"),
    "no log": ((LOG, None), f"{LOG}: there is no such file"),
    "no job": ((JOB, None), f"{JOB}: there is no such file"),
    "missing column": (
        (LINEAR, "Alignment", "Cosine", 1),
        f'{LINEAR}: line 1: the column "Alignment" is missing; there are: '
        rf"$p$ Hidden Layer Width, Cosine, Regularization $\lambda$, Activation",
    ),
    "no number in the table": (
        (LINEAR, "200,", "200,x", 1),
        f'{LINEAR}: line 2: Alignment: "x',
    ),
    "broken width": ((LINEAR, "\n200,", "\n200.5,", 1), f"{LINEAR}: line 2: {COLUMNS[0]}: "),
    "negative lambda": ((LINEAR, ",0.0,", ",-1,", 1), f'{LINEAR}: line 2: {COLUMNS[2]}: "-1" '),
    "no number in the log": ((LOG, "\n[", "\n[x", 1), f'{LOG}: line LINE: alignment: "x'),
    "another run in the log": (
        (LOG, "\n[-", "\n[", 1),
        f"{LOG}: line LINE: the alignment 0.91805295 is not that of FOLDER/{LINEAR}: line 2",
    ),
    "a run too many in the log": (
        (LOG, "cuda:0\n", "[0.5]\n", 1),
        f"{LOG}: it has 17 runs, FOLDER/{LINEAR} has 16; they must have as many",
    ),
    "no number in a job": (
        (JOB, "[ ", "[ x", 1),
        f'{JOB}: line 6: signal: "x',
    ),
    "no alignment in a job": (
        (JOB, "[ ", "", 1),
        f'{JOB}: line 6: signal: "" is not allowed; allowed: a finite number',
    ),
    "no lambda in a job": ((JOB, "level 0.1", "level x", 1), f'{JOB}: line 27: lambda: "x" '),
    "another lambda in a job": (
        (JOB, "level 0.1", "level 0.3", 1),
        f"{JOB}: its epochs are 11 of lambda 0, 11 of lambda 0.3; they must be those of "
        f"slurm-{JOBS[0]}.out",
    ),
    "an empty job": ((JOB, "99 ", "", -1), f"{JOB}: its epochs are missing; they must be those"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_one_line_and_nothing_is_written(name, made, tmp_path):
    (file, *change), message = WRONG[name]
    checkout = made[0]
    path = checkout / file
    text = path.read_text()
    line = next((i for i, x in enumerate(text.split("\n"), 1) if x.startswith("[")), 0)
    if change == [None]:
        path.unlink()
    else:
        old, new, count = change
        assert old in text
        path.write_text(text.replace(old, new, count))
    with pytest.raises(InputError) as caught:
        song2021.write_song2021(checkout, tmp_path / "tables")
    message = message.replace("LINE", str(line)).replace("FOLDER", str(checkout))
    assert str(caught.value).startswith(f"{checkout}/{message}")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "tables").exists()


def run(*args):
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, args)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_script_names_what_it_writes_or_tells_what_is_wrong(made, tmp_path):
    checkout, into = made[0], tmp_path / "tables"
    done = run(checkout, "--into", into)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == [
        f"{into}/song2021_{name}.csv" for name in ("alignment", "stopping", "mnist")
    ]
    done = run(tmp_path / "none", "--into", into)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: {tmp_path}/none/{LINEAR}: there is no such file\n"
    done = run(checkout, "--into", checkout / LOG)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {checkout / LOG}: cannot be written: ")
    assert done.stderr.count("\n") == 1
