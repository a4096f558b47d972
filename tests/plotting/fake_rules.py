"""Plausible tables of MLPs trained by several rules: what three figures are tested on."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd

_PATH = Path(__file__).with_name("fake_tables.py")
_SPEC = importlib.util.spec_from_file_location("fake_tables_of_rules", _PATH)
fake_tables = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(fake_tables)

MLP = {
    "parametrisation": "standard",
    "loss_function": "half_mean",
    "decay_layers": "all",
    "activation": "tanh",
    "depth": 2,
    "bias": True,
    "data": "digits",
    "scaling": "centred",
    "samples": 1437,
    "dimension": 64,
    "validation_samples": 360,
    "eta": 0.05,
    "steps": 840,
    "batch_size": 50,
    "engine": "minibatch",
    "dtype": "float32",
}
SONG = MLP | {
    "decay_layers": "output",
    "activation": "relu",
    "width": 1000,
    "depth": 1,
    "bias": False,
    "parametrisation": "ntk",
    "scaling": "standardised",
    "eta": 1.0,
}
WIDTH_METHODS = (("bp", 0.0), ("fa", 0.0), ("fa", 0.01), ("dfa", 0.0), ("dfa", 0.01))
DEPTH_METHODS = (*WIDTH_METHODS, ("usf", 0.0), ("kp", 0.01), ("drtp", 0.0))
# How far a rule gets: its final accuracy, and its alignments.
SKILL = {"bp": 0.97, "fa": 0.945, "dfa": 0.95, "usf": 0.965, "kp": 0.968, "drtp": 0.83}
ALIGNED = {"bp": 0.0, "fa": 0.5, "dfa": 0.42, "usf": 0.85, "kp": 0.95, "drtp": 0.25}
QUANTITIES = {
    "accuracy": ("",),
    "loss": ("",),
    "error_norm": ("",),
    "gradient_alignment": ("1", "hidden"),
    "signal_alignment": ("1", "hidden"),
    "weight_alignment": ("output", "all"),
}


def course(cell, rng, t):
    """Value by metric at the fractions `t` of the training."""
    rule, l2, width, depth = cell["rule"], cell["l2"], cell["width"], cell["depth"]
    noise = rng.standard_normal(len(QUANTITIES))
    learnt = 1 - np.exp(-5 * t * cell["eta"] ** 0.2)
    best = SKILL.get(rule, 0.9) - 0.3 / np.sqrt(width) - 0.01 * (depth - 1) - 0.5 * l2
    size = ALIGNED.get(rule, 0.3) * (30 / width) ** 0.12 * 0.9 ** (depth - 1)
    size = size + (1 - size) * (l2 * 20 if rule not in ("bp", "kp") else 0)
    size = np.clip(size, 0, 0.95)
    chance = 0.7 * noise / np.sqrt(10 * width)
    return {
        "accuracy": 0.1 + (best - 0.1) * learnt + 0.004 * noise[0],
        "loss": 0.5 * np.exp(-6 * t * best + 0.15 * noise[1]) + 0.3 * l2,
        "error_norm": 30 * np.exp(-3 * t),
        "gradient_alignment": size * learnt + chance[3],
        "signal_alignment": 0.8 * size * learnt + chance[4],
        "weight_alignment": 0.6 * size * learnt + chance[5],
    }


def table(experiment, cells, replicates=5, points=5, status=None):
    """A tidy table of these cells.

    Args:
        experiment: its name.
        cells: the settings of each condition.
        replicates: replicates of each.
        points: recorded steps, the first 0.
        status: `status(cell, replicate)` says whether a replicate diverged; None for none.
    """
    settings, sizes, measured = [], [], []
    for cell in cells:
        condition = "-".join(str(value) for value in cell.values())
        settings.append(cell | {"experiment": experiment, "condition": condition})
        before = len(measured)
        t = np.linspace(0, 1, points)
        steps = np.rint(t * cell["steps"]).astype(int)
        for replicate in range(replicates):
            lost = status is not None and status(cell, replicate)
            end = cell["steps"] // 3 if lost else cell["steps"]
            kept = steps < end if lost else steps <= end
            values = course(cell, np.random.default_rng([replicate, cell["width"]]), t[kept])
            fate = "diverged" if lost else "ok", end
            for metric, layers in QUANTITIES.items():
                rows = list(zip(steps[kept], values[metric], strict=True))
                rows += [(end, np.nan)] if lost else []
                measured += [
                    (replicate, metric, layer, *row, *fate) for layer in layers for row in rows
                ]
        sizes.append(len(measured) - before)
    names = ["replicate", "metric", "layer", "step", "value", "status", "end_step"]
    rows = pd.DataFrame(measured, columns=names)
    fixed = pd.DataFrame(settings).loc[np.repeat(np.arange(len(sizes)), sizes)]
    return fake_tables.finish([pd.concat([fixed.reset_index(drop=True), rows], axis=1)])


def cell(base, rule="fa", l2=0.0, **others):
    """Settings of a condition; a decay is constant unless they say otherwise."""
    schedule = "constant" if l2 else "none"
    both = {"rule": rule, "l2": l2, "schedule": schedule}
    return fake_tables.DEFAULTS | base | both | others


def widths(
    replicates=5, widths=tuple(2**k for k in range(4, 11)), depths=(2,), methods=WIDTH_METHODS,
    data=("digits",), status=None, **others,
):  # fmt: skip
    cells = [
        cell(MLP, rule, l2, width=p, depth=depth, data=source, **others)
        for source in data
        for depth in depths
        for p in widths
        for rule, l2 in methods
    ]
    return table("rules_width", cells, replicates, status=status)


def depths(
    replicates=5, depths=(1, 2, 3, 4), widths=(128,), methods=DEPTH_METHODS, data=("digits",),
    status=None, **others,
):  # fmt: skip
    cells = [
        cell(MLP, rule, l2, width=p, depth=depth, data=source, **others)
        for source in data
        for depth in depths
        for p in widths
        for rule, l2 in methods
    ]
    return table("rules_depth", cells, replicates, status=status)


def song(
    replicates=5, l2s=(0.0, 1e-3, 1e-2), rules=("bp", "fa"), etas=(1.0,), data=("digits",),
    status=None, **others,
):  # fmt: skip
    methods = [("bp", 0.0)] * ("bp" in rules)
    methods += [(rule, l2) for rule in rules if rule != "bp" for l2 in l2s]
    cells = [
        cell(SONG, rule, l2, eta=eta, data=source, **others)
        for source in data
        for eta in etas
        for rule, l2 in methods
    ]
    return table("song_mnist", cells, replicates, points=31, status=status)
