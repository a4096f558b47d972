"""Extraction: which rows a recorded run becomes."""

from pathlib import Path

import numpy as np
import pytest

from feedback_alignment.config import parse_config
from feedback_alignment.extract import extract
from feedback_alignment.tables import COLUMNS
from feedback_alignment.training.recording import Recording

ROOT = Path(__file__).parents[1]


def condition(**settings):
    entry = {"settings": {"steps": 100, "kernels": True} | settings, "include": [{}]}
    config = parse_config({"name": "t", "experiments": {"e": entry}}, {})
    return config.experiments[0].conditions[0]


@pytest.fixture
def recording():
    steps = np.array([0, 10, 20, 40, 60, 70, 80, 90, 100])
    decay = np.exp(-0.05 * steps)
    lost = np.where(steps < 25, decay, np.nan)
    cosine = np.array([0.1, 0.2, 0.4, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9])
    short = np.where(steps < 25, cosine, np.nan)
    return Recording(
        steps=steps,
        values={
            ("error_norm", ""): np.stack([decay, lost]),
            ("loss", ""): np.stack([decay**2, lost**2]) / 2,
            ("weight_alignment", "output"): np.stack([cosine, short]),
            ("lambda_min_GH", ""): np.stack([2 + 0 * decay, 3 + 0 * lost]),
            ("lambda_min_EG", ""): np.where(steps == 0, 4.0, np.nan) * np.ones((2, 1)),
        },
        status=np.array(["ok", "diverged"]),
        end_step=np.array([100, 25]),
    )


@pytest.fixture
def table(recording):
    return extract("mine", condition(eta=0.1), "an-id", [4, 7], recording)


def values(table, seed, metric):
    rows = table[(table["replicate"] == seed) & (table["metric"] == metric)]
    return dict(zip(rows["step"], rows["value"], strict=True))


def test_rows_have_the_tidy_columns_and_the_condition(table):
    assert list(table.columns) == list(COLUMNS)
    assert set(table["condition"]) == {"an-id"}
    assert set(table["eta"]) == {0.1}
    assert sorted(table["replicate"].unique()) == [4, 7]


def test_recorded_values_are_rows(table, recording):
    expected = dict(zip(recording.steps, recording.values["loss", ""][0], strict=True))
    assert values(table, 4, "loss") == expected


def test_quantities_of_the_initial_network_have_one_row(table):
    assert values(table, 4, "lambda_min_EG") == {0: 4.0}


def test_a_diverged_seed_ends_with_one_empty_row_a_metric(table):
    found = values(table, 7, "loss")
    assert list(found) == [0, 10, 20, 25]
    assert np.isnan(found[25])
    assert set(table.loc[table["replicate"] == 7, "status"]) == {"diverged"}
    assert set(table.loc[table["replicate"] == 4, "status"]) == {"ok"}


def test_derived_metrics_sum_a_run_up(table):
    assert values(table, 4, "decay_rate")[100] == pytest.approx(0.05, rel=1e-9)
    assert values(table, 4, "decay_bend")[100] == pytest.approx(1)
    assert values(table, 4, "rate_least")[100] == pytest.approx(0.05, rel=1e-9)
    assert values(table, 4, "rate_bound")[100] == pytest.approx(0.1 * 4 / 4)
    assert values(table, 4, "rate_local")[100] == pytest.approx(0.1 * 2)
    # Half way between .4 at step 20 and .6 at step 40, on the logarithm of the step.
    assert values(table, 4, "align_step")[100] == pytest.approx(20 * np.sqrt(2))
    assert np.isnan(values(table, 7, "align_step")[25])


def test_layers_are_named(table):
    layers = dict(zip(table["metric"], table["layer"], strict=True))
    assert layers["weight_alignment"] == "output"
    assert layers["loss"] == ""


def test_without_kernels_there_are_no_rates_of_the_theorem(recording):
    for metric in ("lambda_min_GH", "lambda_min_EG"):
        del recording.values[metric, ""]
    table = extract("mine", condition(kernels=False), "an-id", [4, 7], recording)
    assert not {"rate_bound", "rate_local", "rate_least"} & set(table["metric"])


def mlp(**settings):
    return condition(
        parametrisation="standard", loss_function="half_mean", kernels=False, **settings
    )


@pytest.fixture
def deep_recording():
    steps = np.array([0, 40, 60, 80, 100])
    loss = np.array([[8.0, 4.0, 1.0, 5.0, 2.0], [8.0, 4.0, np.nan, np.nan, np.nan]])
    cosine = np.linspace(0, 1, 5) * np.ones((2, 1))
    return Recording(
        steps=steps,
        values={("loss", ""): loss, ("gradient_alignment", "1"): cosine},
        status=np.array(["ok", "diverged"]),
        end_step=np.array([100, 60]),
    )


def test_metrics_of_a_layer_keep_it(deep_recording):
    table = extract("mine", mlp(), "an-id", [4, 7], deep_recording)
    layers = table.drop_duplicates(["metric", "layer"])[["metric", "layer"]].values.tolist()
    assert layers == [["loss", ""], ["gradient_alignment", "1"], ["loss_fall", ""]]
    assert set(table["switch_rule"]) == {""}


def test_rise_and_fall_of_the_loss(deep_recording):
    settings = {"switch_step": 20, "switch_rule": "bp", "perturb_step": 60, "perturb_size": 0.1}
    table = extract("mine", mlp(**settings), "an-id", [4, 7], deep_recording)
    assert values(table, 4, "loss_fall") == {100: 0.75}
    assert values(table, 4, "loss_rise") == {100: 5.0}
    # It ended before the last intervention.
    assert np.isnan(values(table, 7, "loss_rise")[60])
    assert values(table, 7, "loss_fall") == {60: 0.5}


def test_descent_over_fall_sums_over_all_steps(deep_recording):
    """Against the sum over single steps, the descent linear between the recorded ones."""
    first, output = np.array([3.0, 1.0, 0.5, 0.25, 0.5]), np.array([0.5, 0.0, 0.0, -0.25, 1.0])
    for layer, descent in (("1", first), ("output", output)):
        deep_recording.values["descent", layer] = descent * np.ones((2, 1))
    table = extract("mine", mlp(descent=True), "an-id", [4, 7], deep_recording)
    steps = deep_recording.steps
    whole, lived = (np.interp(np.arange(end), steps, first + output).sum() for end in (100, 40))
    assert values(table, 4, "descent_over_fall")[100] == pytest.approx(whole / 6)
    assert values(table, 7, "descent_over_fall")[60] == pytest.approx(lived / 4)


def test_without_a_fall_there_is_no_descent_over_it(deep_recording):
    deep_recording.values["descent", "1"] = np.ones((2, 5))
    deep_recording.values["loss", ""][0] = 1.0
    table = extract("mine", mlp(descent=True), "an-id", [4, 7], deep_recording)
    assert np.isnan(values(table, 4, "descent_over_fall")[100])


def test_without_a_late_intervention_there_is_no_rise(deep_recording):
    table = extract("mine", mlp(freeze_step=0), "an-id", [4, 7], deep_recording)
    assert "loss_rise" not in set(table["metric"])
