"""Plausible tables of interventions at a minimum, and of networks under decay."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd

from feedback_alignment.tables import COLUMNS

_PATH = Path(__file__).with_name("fake_tables.py")
_SPEC = importlib.util.spec_from_file_location("fake_tables_of_maps", _PATH)
fake_tables = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(fake_tables)

MLP = fake_tables.DEFAULTS | {
    "parametrisation": "standard",
    "loss_function": "half_mean",
    "activation": "tanh",
    "bias": True,
    "scaling": "centred",
    "dimension": 64,
    "engine": "minibatch",
}
MOMENT = 300
STABILITY = MLP | {
    "data": "digits_in_order",
    "samples": 15,
    "width": 16,
    "eta": 0.1,
    "steps": 500,
}
PERFORMANCE = MLP | {
    "data": "digits",
    "samples": 1437,
    "width": 64,
    "init_scale": 0.3,
    "eta": 0.05,
    "batch_size": 50,
    "steps": 840,
    "dtype": "float32",
}
_SWITCH = {"rule": "bp", "switch_step": MOMENT, "switch_rule": "fa"}
_PERTURB = {"perturb_step": MOMENT, "perturb_size": 1e-4}


def kinds(angles=(0, 30, 60, 90), wide=(64,), tied_eta=STABILITY["eta"]):
    """Settings of each kind of run, with the alignment of its feedback."""
    runs = [
        (_SWITCH | _PERTURB, 0.0),
        ({"rule": "bp"} | _PERTURB, 0.0),
        ({"rule": "fa"} | _PERTURB, 0.7),
        ({"rule": "fa", "redraw_step": MOMENT} | _PERTURB, 0.0),
    ]
    for angle in angles:
        tie = {"tie_step": MOMENT, "tie_angle": float(angle), "perturb_size": 1e-3, "eta": tied_eta}
        runs.append((_SWITCH | _PERTURB | tie, float(np.cos(np.deg2rad(angle)))))
    runs += [(_SWITCH | _PERTURB | {"width": width}, 0.0) for width in wide]
    return [(STABILITY | settings, aligned) for settings, aligned in runs]


def stability(replicates=4, status=None, eigenvalues=6, **options):
    """Runs of each kind; `options` are those of :func:`kinds`."""
    parts = []
    for cell, aligned in kinds(**options):
        for replicate in range(replicates):
            rng = np.random.default_rng([replicate, cell["width"]])
            state, end = fate(status, cell, replicate)
            series = _stability_run(cell, aligned, rng, eigenvalues)
            parts.append(_rows("chu_stability", cell, replicate, series, state, end))
    return _table(parts)


def performance(
    replicates=3,
    status=None,
    l2s=(0.0, 0.1, 1.4),
    scales=(0.1, 0.3),
    widths=(16, 64),
    depths=(1, 2),
):
    cells = [_decayed(rule, l2) for rule in ("fa", "bp") for l2 in l2s]
    cells += [
        PERFORMANCE | {"freeze_step": 0},
        PERFORMANCE | {"freeze_step": 0, "width": 256},
    ]
    for l2 in l2s:
        for scale in scales:
            for width in widths:
                for depth in depths:
                    size = {"init_scale": scale, "width": width, "depth": depth}
                    cells.append(_decayed("fa", l2) | size)
    cells = {str(cell): cell for cell in cells}.values()
    parts = []
    for cell in cells:
        for replicate in range(replicates):
            rng = np.random.default_rng([replicate, cell["width"], cell["depth"]])
            state, end = fate(status, cell, replicate)
            series = _performance_run(cell, rng)
            parts.append(_rows("chu_alignment_performance", cell, replicate, series, state, end))
    return _table(parts)


def fate(status, cell, replicate):
    """Status and end step; `status` gives the end step of a replicate that diverges, else None."""
    end = status(cell, replicate) if status else None
    return ("ok", cell["steps"]) if end is None else ("diverged", end)


def _decayed(rule, l2):
    decay = {"l2": l2, "schedule": "constant", "decay_layers": "all"} if l2 else {}
    return PERFORMANCE | {"rule": rule} | decay


def _stability_run(cell, aligned, rng, eigenvalues):
    t = np.unique([0, 100, 200, MOMENT - 1, *range(MOMENT, cell["steps"] + 1, 25)])
    since = np.maximum(t - MOMENT, 0)
    unstable = cell["switch_rule"] == "fa" or cell["redraw_step"] is not None
    rise = 10.0 ** (6 * max(0.0, 0.8 - aligned) * unstable * rng.uniform(0.3, 1.0))
    hump = 1 + (rise - 1) * np.minimum(since / 40, 1.0) * np.exp(-since / 200)
    loss = np.where(t < MOMENT, np.exp(-t / 20), 1e-6 * hump * np.exp(-since / 90))
    cosine = np.clip(aligned + 0.1 * rng.standard_normal(t.size), -1, 1)
    ratio = -0.8 * max(0.0, 0.9 - aligned) * unstable
    series = {
        ("loss", ""): (t, loss),
        ("gradient_alignment", "hidden"): (t, cosine),
        ("gradient_alignment", "1"): (t, cosine),
        ("stability_ratio", ""): (t, np.full(t.size, ratio)),
        ("loss_rise", ""): ([cell["steps"]], [max(1.0, (loss / 1e-6)[t >= MOMENT].max())]),
    }
    moments = [0, MOMENT - 1, MOMENT, cell["steps"]]
    for index in range(eigenvalues):
        real = np.exp(rng.normal(0, 2)) * (1 if index % 3 or not unstable else -1)
        series["K_real", str(index)] = (moments, [real] * 4)
        series["K_imag", str(index)] = (moments, [(-1) ** index * 0.3 * real] * 4)
    return series


def _performance_run(cell, rng):
    l2, frozen, bp = cell["l2"], cell["freeze_step"] is not None, cell["rule"] == "bp"
    accuracy = (0.92 if frozen else 0.96) - l2 * (0.5 if bp else 0.15) / cell["depth"]
    aligned = 0.0 if frozen else (0.5 + 2 * l2) / (1 + 2 * l2) - 0.1 * cell["depth"]
    noise = 0.01 * rng.standard_normal(2)
    steps = [0, cell["steps"]]
    return {
        ("accuracy", ""): (steps, [0.1, accuracy + noise[0]]),
        ("gradient_alignment", "hidden"): (steps, [0.0, aligned + noise[1]]),
        ("gradient_alignment", "1"): (steps, [0.0, aligned]),
    }


def _rows(experiment, cell, replicate, series, status, end):
    """What changes from row to row of a replicate, and the settings, which do not."""
    rows = []
    for (metric, layer), (steps, values) in series.items():
        given = list(zip(steps, values, strict=True))
        if status == "diverged":
            given = [(step, value) for step, value in given if step < end] + [(end, np.nan)]
        rows += [(step, value, metric, layer) for step, value in given]
    name = "-".join(str(value) for value in cell.values())
    fixed = cell | {"experiment": experiment, "condition": name, "replicate": replicate}
    return rows, fixed | {"status": status, "end_step": end}


def _table(replicates):
    # Settings are spread over the rows at once: a frame for each replicate takes ten times as long.
    rows = [row for part, _ in replicates for row in part]
    changing = pd.DataFrame(rows, columns=["step", "value", "metric", "layer"])
    fixed = pd.DataFrame([settings for _, settings in replicates]).astype(
        {name: dtype for name, dtype in COLUMNS.items() if name not in changing}
    )
    lengths = [len(part) for part, _ in replicates]
    spread = fixed.iloc[np.repeat(np.arange(len(fixed)), lengths)].reset_index(drop=True)
    return fake_tables.finish([pd.concat([spread, changing], axis=1)])
