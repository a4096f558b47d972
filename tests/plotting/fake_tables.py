"""Tidy tables with plausible curves, made from formulas: what figures are tested on."""

import numpy as np
import pandas as pd

from feedback_alignment.tables import COLUMNS

ACTIVATIONS = {"linear": (1e-4, 200_000), "relu": (1e-3, 40_000), "tanh": (1e-2, 8_000)}
# A two-layer network on teacher-student data; deep networks say where they differ.
DEFAULTS = {
    "case": "",
    "rule": "fa",
    "l2": 0.0,
    "schedule": "none",
    "cutoff_step": None,
    "decay_layers": "output",
    "activation": "relu",
    "width": 200,
    "depth": 1,
    "bias": False,
    "parametrisation": "song",
    "loss_function": "half_sum",
    "init_scale": 1.0,
    "feedback_scale": 1.0,
    "feedback_distribution": "gaussian",
    "data": "teacher_student",
    "scaling": "none",
    "samples": 50,
    "dimension": 150,
    "validation_samples": 0,
    "eta": 1e-3,
    "steps": 1000,
    "batch_size": 0,
    "switch_step": None,
    "switch_rule": "",
    "redraw_step": None,
    "redraw_every": 0,
    "tie_step": None,
    "tie_angle": 0.0,
    "tie_every": 0,
    "perturb_step": None,
    "perturb_size": 0.0,
    "freeze_step": None,
    "metric_samples": 0,
    "weights": "explicit",
    "engine": "preactivation",
    "dtype": "float64",
    "device": "cpu",
}
LAYERS = {"weight_alignment": "output", "beta_norm": "output"}


def settings(activation, width, l2=0.0, rule="fa", schedule=None, steps=None, **others):
    eta, default_steps = ACTIVATIONS[activation]
    schedule = schedule or ("constant" if l2 else "none")
    base = DEFAULTS | {
        "rule": rule,
        "l2": l2,
        "schedule": schedule,
        "activation": activation,
        "width": width,
        "eta": eta,
        "steps": default_steps if steps is None else steps,
    }
    return base | others


def grid(steps, points=60):
    some = np.unique(
        np.concatenate([np.geomspace(1, max(steps, 1), points), np.linspace(0, steps, 40)])
    )
    return np.unique(np.concatenate([[0], some.astype(int)]))


def rows(experiment, cell, replicate, series, status="ok", end_step=None):
    """Rows of one replicate; `series` maps a metric to (steps, values) or to one final value."""
    end = cell["steps"] if end_step is None else end_step
    parts = []
    for metric, given in series.items():
        steps, values = given if isinstance(given, tuple) else ([end], [given])
        frame = pd.DataFrame({"step": steps, "value": values}).assign(metric=metric)
        if status == "diverged":
            gone = pd.DataFrame({"step": [end], "value": [np.nan], "metric": [metric]})
            frame = pd.concat([frame[frame["step"] < end], gone])
        parts.append(frame.assign(layer=LAYERS.get(metric, "")))
    name = "-".join(str(v) for v in cell.values())
    fixed = cell | {"experiment": experiment, "condition": name, "replicate": replicate}
    return pd.concat(parts).assign(**fixed, status=status, end_step=end)


def finish(parts):
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)].astype(COLUMNS)


def _course(cell, rng, steps):
    """Loss and weight alignment of a run, about as measured: plateau, then sqrt(p) law."""
    eta, l2, width = cell["eta"], cell["l2"], cell["width"]
    rate = 26 * eta if cell["activation"] == "linear" else 12 * eta
    decaying = np.where(steps < (cell["cutoff_step"] or np.inf), 1.0, 0.0) if l2 else 0.0 * steps
    start = 50 * np.exp(0.2 * rng.standard_normal())
    fast = start * np.exp(-2 * rate * steps)
    plateau = 4e-3 * l2 * np.sqrt(width / 400) * np.exp(0.1 * rng.standard_normal())
    on = cell["cutoff_step"] if cell["schedule"] == "cutoff" else None
    slow = plateau * np.exp(-2 * rate * np.clip(steps - (on if on else np.inf), 0, None))
    loss = np.maximum(fast + slow, 1e-27)
    chance = rng.standard_normal() / np.sqrt(width)
    induced = np.sqrt(9 / width) * (1 - np.exp(-rate * steps))
    time = eta * l2 * np.minimum(steps, on if on else np.inf)
    tau = time * np.sqrt(50 / width)
    u = np.interp(tau, (lambda v: v + v**3 / 3)(np.linspace(0, 60, 4000)), np.linspace(0, 60, 4000))
    share = 0.9 * u / np.sqrt(1 + u**2)
    cosine = (chance + induced) * np.exp(-time) + share
    return loss, cosine, decaying


def convergence(
    replicates=8, widths=(200, 800), activations=tuple(ACTIVATIONS), steps=None, status=None
):
    parts = []
    for activation in activations:
        for width in widths:
            for rule, l2 in (("bp", 0.0), ("fa", 0.0), ("fa", 0.3)):
                cell = settings(activation, width, l2, rule, steps=steps)
                for replicate in range(replicates):
                    rng = np.random.default_rng([replicate, width])
                    t = grid(cell["steps"])
                    scale = {"linear": 26, "relu": 12, "tanh": 8}[activation] * cell["eta"]
                    rate = (
                        scale * np.exp(0.05 * rng.standard_normal()) * (1.4 if rule == "bp" else 1)
                    )
                    slow = 3e-3 * np.sqrt(l2) * (1 - np.exp(-t * scale))
                    error = 8 * (0.7 * np.exp(-3 * rate * t) + 0.3 * np.exp(-rate * t) + slow)
                    error = np.maximum(error, 3e-14 * np.exp(0.3 * rng.standard_normal(t.size)))
                    series = {"error_norm": (t, error), "rate_bound": 0.25 * scale}
                    series |= {"rate_local": rate, "decay_rate": rate * 1.01}
                    parts.append(
                        rows(
                            "song_convergence",
                            cell,
                            replicate,
                            series,
                            *_fate(status, cell, replicate),
                        )
                    )
    return finish(parts)


def width(
    replicates=8, widths=(100, 200, 400, 800, 1600), l2s=(0.0, 0.1, 0.3, 1.0),
    activations=tuple(ACTIVATIONS), steps=None, status=None,
):  # fmt: skip
    parts = []
    for activation in activations:
        for p in widths:
            for l2 in l2s:
                cell = settings(activation, p, l2, steps=steps)
                for replicate in range(replicates):
                    t = grid(cell["steps"])
                    loss, cosine, _ = _course(cell, np.random.default_rng([replicate, p]), t)
                    series = {"loss": (t, loss), "weight_alignment": (t, cosine)}
                    series["align_step"] = np.nan
                    parts.append(
                        rows("song_width", cell, replicate, series, *_fate(status, cell, replicate))
                    )
    return finish(parts)


def cutoff(replicates=8, activations=tuple(ACTIVATIONS), steps=None, status=None, p=800):
    parts = []
    for activation in activations:
        base = settings(activation, p, steps=steps)
        kinds = [("none", 0.0, None), ("constant", 0.3, None), ("cutoff", 0.3, base["steps"] // 2)]
        for schedule, l2, cut in kinds:
            cell = settings(activation, p, l2, schedule=schedule, steps=steps, cutoff_step=cut)
            for replicate in range(replicates):
                t = grid(cell["steps"])
                loss, cosine, _ = _course(cell, np.random.default_rng([replicate, p]), t)
                series = {"loss": (t, loss), "weight_alignment": (t, cosine)}
                parts.append(
                    rows("song_cutoff", cell, replicate, series, *_fate(status, cell, replicate))
                )
    return finish(parts)


def kernels(
    replicates=8, widths=tuple(100 * 2**k for k in range(8)), activations=tuple(ACTIVATIONS)
):
    parts = []
    for activation in activations:
        gamma = {"linear": 26.0, "relu": 12.0, "tanh": 0.35}[activation]
        for p in widths:
            cell = settings(activation, p, steps=0)
            for replicate in range(replicates):
                rng = np.random.default_rng([replicate, p])
                series = {
                    "lambda_min_G": ([0], [gamma * max(0.02, 1 - np.sqrt(50 / p)) ** 2]),
                    "H_spectral_norm": (
                        [0],
                        [gamma * 30 / np.sqrt(p) * np.exp(0.15 * rng.standard_normal())],
                    ),
                    "lambda_min_EG": ([0], [gamma * np.exp(0.05 * rng.standard_normal())]),
                }
                parts.append(rows("song_kernels", cell, replicate, series))
    return finish(parts)


def extreme_width(
    replicates=8, widths=tuple(10**k for k in range(2, 9)), l2s=(0.0, 1.0, 3.0), steps=3_000_000,
    status=None,
):  # fmt: skip
    parts = []
    for p in widths:
        for l2 in l2s:
            cell = settings("linear", p, l2, steps=steps, weights="wishart")
            for replicate in range(replicates):
                t = grid(steps)
                _, cosine, _ = _course(cell, np.random.default_rng(replicate), t)
                passed = cosine >= 0.5
                reached = float(t[passed.argmax()]) if passed.any() else np.nan
                series = {"weight_alignment": (t, cosine), "align_step": reached}
                parts.append(
                    rows(
                        "song_extreme_width",
                        cell,
                        replicate,
                        series,
                        *_fate(status, cell, replicate),
                    )
                )
    return finish(parts)


def _fate(status, cell, replicate):
    """Status and end step: `status` is None, or a function of the cell and replicate."""
    if status is None or not status(cell, replicate):
        return "ok", cell["steps"]
    return "diverged", max(1, cell["steps"] // 7)
