"""Deep networks through the workflow: own data, a rule of one's own, a GPU that is not there."""

import re

import numpy as np
import pandas as pd
import pytest
from project import ROOT, Project

CONFIG = """\
name: tiny
data_sources:
  mine: {file: mine.npz}
figures: []
experiments:
  deep:
    replicates: 2
    settings:
      parametrisation: standard
      loss_function: half_mean
      data: mine
      activation: tanh
      bias: true
      width: 6
      depth: 2
      eta: 0.1
    grid:
      rule: [bp, fa, frsf]
    include:
      - {rule: bp, steps: 40, switch_step: 20, switch_rule: frsf, tie_step: 20, tie_angle: 30}
"""
TABLE = "results/tiny/metrics/deep.parquet"


def write_data(folder, shift=0.0):
    rng = np.random.default_rng(0)
    labels = np.arange(30) % 3
    inputs = rng.standard_normal((30, 4)) + 3 * np.eye(3, 4)[labels] + shift
    names = ("inputs_train", "labels_train", "inputs_test", "labels_test")
    np.savez(folder / "mine.npz", **dict(zip(names, (inputs, labels) * 2, strict=True)))


@pytest.fixture(scope="module")
def deep(tmp_path_factory):
    project = Project.create(tmp_path_factory.mktemp("deep") / "project", CONFIG)
    write_data(project.folder)
    guide = (ROOT / "docs/adding_a_rule.md").read_text()
    rule = re.search(r"```python\n(.*?)```", guide, flags=re.DOTALL).group(1)
    name = re.search(r"`(\w+\.py)`, whole", guide).group(1)
    (project.folder / "src/feedback_alignment/rules" / name).write_text(rule)
    project.run(TABLE)
    return project


def test_a_rule_of_ones_own_is_one_file_and_a_line_of_config(deep):
    table = pd.read_parquet(deep.folder / TABLE)
    assert set(table["rule"]) == {"bp", "fa", "frsf"}
    final = table[(table["metric"] == "accuracy") & (table["step"] == table["end_step"])]
    assert (final.groupby("rule")["value"].mean() > 0.9).all()


def test_interventions_of_the_config_act(deep):
    table = pd.read_parquet(deep.folder / TABLE)
    switched = table[(table["switch_rule"] == "frsf") & (table["step"] == 20)]
    aligned = switched[(switched["metric"] == "weight_alignment") & (switched["layer"] == "all")]
    # The rule sends back |B| with the signs of W: closer to W than B itself, at 30 degrees.
    assert (aligned["value"] > np.cos(np.deg2rad(30))).all()


def test_own_data_count_by_their_content_not_by_their_place(deep):
    assert deep.pending(TABLE) == {}
    (deep.folder / "elsewhere").mkdir()
    (deep.folder / "mine.npz").rename(deep.folder / "elsewhere/mine.npz")
    deep.configure(CONFIG.replace("mine.npz", "elsewhere/mine.npz"))
    assert deep.pending(TABLE) == {}
    write_data(deep.folder / "elsewhere", shift=0.1)
    assert deep.pending(TABLE) == {"data": 1, "train": 4, "tables": 1}
    (deep.folder / "elsewhere/mine.npz").unlink()
    done = deep.snakemake("-n", TABLE)
    assert done.returncode == 1
    assert (
        "error: config/config.yaml: data_sources.mine.file: elsewhere/mine.npz: "
        "there is no such file\n" in done.stderr
    )


def test_with_a_directory_own_data_lie_beside_the_results(deep):
    deep.configure(CONFIG)
    (deep.folder / "apart").mkdir()
    write_data(deep.folder / "apart")
    assert deep.pending(TABLE, "--directory", "apart") == {"data": 1, "train": 4, "tables": 1}


def test_without_a_gpu_cuda_is_a_clear_error(deep):
    write_data(deep.folder)
    # Fewer runs to fail.
    deep.configure(CONFIG.replace("[bp, fa, frsf]", "[bp]"))
    before = pd.read_parquet(deep.folder / TABLE)
    done = deep.snakemake("--cores", "1", TABLE, "--config", "device=cuda")
    assert done.returncode == 1
    assert "error: device: cuda is not available, torch finds no GPU; allowed: cpu" in done.stderr
    pd.testing.assert_frame_equal(pd.read_parquet(deep.folder / TABLE), before)


def test_a_folder_without_mnist_is_a_clear_error(deep):
    deep.configure(
        CONFIG.replace("mine: {file: mine.npz}", "mnist: {directory: nowhere}").replace(
            "data: mine", "data: mnist"
        )
    )
    done = deep.snakemake("--cores", "1", TABLE)
    assert done.returncode == 1
    assert (
        "error: data_sources.mnist: nowhere: there is no such folder; the MNIST directory must "
        "name one with train-images-idx3-ubyte.gz" in done.stderr
    )
    assert not list((deep.results / "data").glob("mnist*/*.npz"))
