"""Tidy tables of deep networks with plausible curves: alignment, descent, fixed points."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd

_SPEC = importlib.util.spec_from_file_location(
    "fake_tables", Path(__file__).with_name("fake_tables.py")
)
fakes = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(fakes)

COMMON = fakes.DEFAULTS | {
    "parametrisation": "standard",
    "loss_function": "half_mean",
    "activation": "tanh",
    "width": 64,
    "bias": True,
    "data": "digits",
    "scaling": "centred",
    "samples": 1437,
    "dimension": 64,
    "validation_samples": 360,
    "eta": 0.05,
    "engine": "minibatch",
    "dtype": "float32",
}
FRESH = {"redraw_step": 1, "redraw_every": 1}
FROZEN = {"freeze_step": 0}
TIED = [{"tie_step": 0, "tie_every": 1, "tie_angle": angle} for angle in (0.0, 90.0)]


def rows(experiment, cell, replicate, series, status="ok", end_step=None):
    """Rows of one replicate; `series` maps (metric, layer) to (steps, values)."""
    end = cell["steps"] if end_step is None else end_step
    parts = []
    for (metric, layer), (steps, values) in series.items():
        frame = pd.DataFrame({"step": steps, "value": np.asarray(values, float)})
        if status == "diverged":
            gone = pd.DataFrame({"step": [end], "value": [np.nan]})
            frame = pd.concat([frame[frame["step"] < end], gone])
        parts.append(frame.assign(metric=metric, layer=layer))
    name = "-".join(str(v) for v in cell.values())
    fixed = cell | {"experiment": experiment, "condition": name, "replicate": replicate}
    return pd.concat(parts).assign(**fixed, status=status, end_step=end)


def _fate(status, cell, replicate):
    if status is None or not status(cell, replicate):
        return "ok", cell["steps"]
    return "diverged", max(1, cell["steps"] // 3)


def alignment(
    replicates=5, depths=(1, 2, 3), scales=(0.1, 1.0), steps=840, controls=True, status=None
):
    """About as measured: a rise, the higher the smaller the initial weights, and a slow fall."""
    base = COMMON | {"batch_size": 50, "steps": steps}
    cells = [base | {"init_scale": s, "depth": d} for s in scales for d in depths]
    if controls:
        cells += [base | {"init_scale": 0.1, "depth": 2} | c for c in (FRESH, FROZEN, *TIED)]
    parts = []
    for cell in cells:
        for replicate in range(replicates):
            rng = np.random.default_rng([replicate, cell["depth"]])
            t = np.unique(np.linspace(0, steps, 31).astype(int))
            level = (0.83 if cell["init_scale"] < 0.5 else 0.4) - 0.03 * cell["depth"]
            course = level * (1 - np.exp(-6 * t / steps)) - 0.05 * t / steps
            if cell["redraw_every"] or cell["freeze_step"] == 0:
                course = 0.1 * (cell["freeze_step"] == 0) * (1 - np.exp(-6 * t / steps))
            if cell["tie_every"]:
                course = 0 * t + np.cos(np.deg2rad(cell["tie_angle"]))
            noise = 0.03 * rng.standard_normal()
            series = {}
            for layer in range(1, cell["depth"] + 1):
                value = course * (1 + 0.06 * (layer - cell["depth"])) + noise
                series["gradient_alignment", str(layer)] = t, value
            series["gradient_alignment", "hidden"] = t, course + noise
            null = 0.05 * rng.standard_normal(t.size)
            series["null_gradient_alignment", "hidden"] = t, null
            parts.append(
                rows("chu_alignment", cell, replicate, series, *_fate(status, cell, replicate))
            )
    return fakes.finish(parts)


def descent(replicates=5, scales=(0.1, 1.0), steps=120, frozen=True, depth=3, status=None):
    """A loss that falls at once or after a plateau, and the layers' shares of its fall."""
    base = COMMON | {"depth": depth, "steps": steps}
    cells = [base | {"init_scale": s} | c for s in scales for c in ({}, FROZEN)[: 1 + frozen]]
    parts = []
    for cell in cells:
        for replicate in range(replicates):
            rng = np.random.default_rng([replicate, 7])
            t = np.arange(0, steps + 1)
            small = cell["init_scale"] < 0.5
            level = 0.45 + 0.02 * rng.standard_normal()
            late = 1 / (1 + np.exp(-(t - 0.4 * steps) / (0.06 * steps)))
            fall = late if small else 1 - np.exp(-5 * t / steps)
            reached = 1.0 if cell["freeze_step"] is None else 0.15 if small else 0.9
            loss = level * (1 - 0.7 * reached * fall)
            hidden = (0.7 if small else 0.1) * t / steps + 0.02 * rng.standard_normal()
            shares = {str(n): hidden * n / sum(range(1, depth + 1)) for n in range(1, depth + 1)}
            shares["output"] = 1 - hidden
            sum_ = -np.diff(loss, append=loss[-1])
            series = {("loss", ""): (t, loss)}
            for layer, share in shares.items():
                series["descent_share", layer] = t, share
                series["descent", layer] = t, share * sum_
                if layer != "output":
                    course = hidden - 0.04 * (not small)
                    series["gradient_alignment", layer] = t, course
            series["gradient_alignment", "hidden"] = t, hidden - 0.04 * (not small)
            parts.append(
                rows("chu_descent", cell, replicate, series, *_fate(status, cell, replicate))
            )
    return fakes.finish(parts)


def fixed_points(replicates=5, steps=(2600, 30_000), switch=True, status=None):
    """Gradients that vanish together, and the narrow linear network where one stays."""
    short, long = steps
    base = COMMON | {"dtype": "float64", "eta": 0.1}
    interpolating = base | {"data": "digits_in_order", "samples": 15, "width": 128}
    interpolating |= {"init_scale": 0.5, "steps": short}
    linear = base | {"activation": "linear", "samples": 150, "dimension": 16, "steps": long}
    cells = [interpolating, linear | {"width": 12}, linear | {"width": 4}]
    if switch:
        continued = {"width": 4, "steps": 2 * long, "switch_step": long, "switch_rule": "bp"}
        cells.append(linear | continued)
    parts = []
    for cell in cells:
        for replicate in range(replicates):
            rng = np.random.default_rng([replicate, cell["width"]])
            t = np.unique(np.linspace(0, cell["steps"], 121).astype(int))
            one = long if cell["activation"] == "linear" else short
            decay = np.exp(-20 * t / one) * np.exp(0.1 * rng.standard_normal())
            rule, bp, loss = decay, 0.8 * decay, 0.25 + 0.2 * decay
            if cell["samples"] == 15:
                loss = 0.5 * decay**2
            if cell["width"] == 4:
                bp, loss = 0.03 + decay, 0.319 + 0.2 * decay
                after = cell["switch_step"] is not None and t >= long
                later = np.exp(-12 * (t - long) / one)
                bp = np.where(after, 0.03 * later, bp)
                rule = np.where(after, bp, rule)
                loss = np.where(after, 0.289 + 0.03 * later, loss)
            series = {
                ("rule_gradient_norm", ""): (t, rule),
                ("bp_gradient_norm", ""): (t, bp),
                ("loss", ""): (t, loss),
            }
            parts.append(
                rows("chu_fixed_points", cell, replicate, series, *_fate(status, cell, replicate))
            )
    return fakes.finish(parts)
