"""Tidy tables with plausible curves, made from formulas: what figures are tested on.

A cell is a dictionary of the settings that matter; the others have the neutral value of their
column's type. A recipe turns a cell and a random generator into (metric, layer) -> (steps, values).
"""

import numpy as np
import pandas as pd

from feedback_alignment.tables import COLUMNS

NEUTRAL = {"str": "", "float64": 0.0, "int64": 0, "Int64": None, "bool": False}
ACTIVATIONS = {"linear": (1e-4, 200_000), "relu": (1e-3, 40_000), "tanh": (1e-2, 8_000)}
SONG = {"rule": "fa", "schedule": "none", "depth": 1, "samples": 50, "dimension": 150}
SONG |= {"data": "teacher_student", "dtype": "float64", "engine": "preactivation"}
DIGITS = SONG | {"data": "digits", "samples": 1437, "dimension": 64, "engine": "minibatch"}
DIGITS |= {"activation": "tanh", "width": 64, "init_scale": 0.1, "eta": 0.05, "batch_size": 50}
DIGITS |= {"steps": 840, "dtype": "float32", "decay_layers": "output"}
MNIST = DIGITS | {"data": "mnist", "samples": 60_000, "batch_size": 600}
MOMENT = 300  # of interventions


def table(experiment, cells, recipe, replicates=3, diverges=None):
    """Rows of every cell and replicate; `diverges(cell, replicate)` says who ends early."""
    rows, runs = [], []
    for cell in cells:
        settings = {name: NEUTRAL[kind] for name, kind in COLUMNS.items()} | cell
        name = "-".join(f"{key}{value}" for key, value in cell.items())
        for replicate in range(replicates):
            gone = diverges is not None and diverges(settings, replicate)
            early = max(1, (settings["perturb_step"] or 0) + settings["steps"] // 7)
            end = early if gone else settings["steps"]
            run = {"experiment": experiment, "condition": name, "replicate": replicate}
            run |= {"status": "diverged" if gone else "ok", "end_step": end}
            for (metric, layer), (steps, values) in recipe(
                settings, np.random.default_rng([replicate, settings["width"]])
            ).items():
                pairs = zip(np.atleast_1d(steps), np.atleast_1d(values), strict=True)
                pairs = [(s, v) for s, v in pairs if not gone or s < end]
                pairs += [(end, np.nan)] if gone else []
                rows += [(len(runs), metric, layer, step, value) for step, value in pairs]
            runs.append(settings | run)
    made = pd.DataFrame(rows, columns=["run", "metric", "layer", "step", "value"])
    fixed = pd.DataFrame(runs).drop(columns=["metric", "layer", "step", "value"])
    return made.join(fixed, on="run")[list(COLUMNS)].astype(COLUMNS)


def song(activation, width, rule="fa", l2=0.0, **others):
    eta, steps = ACTIVATIONS.get(activation, (1e-3, 4000))
    schedule = "constant" if l2 else "none"
    fixed = {"activation": activation, "width": width, "rule": rule, "l2": l2}
    return SONG | fixed | {"schedule": schedule, "eta": eta, "steps": steps} | others


def times(steps, points=20):
    return np.unique(np.concatenate([[0], np.geomspace(1, steps, points).astype(int)]))


def _decaying(cell, rng):
    t = times(cell["steps"])
    rate = 12 * cell["eta"] * (1.4 if cell["rule"] == "bp" else 1) * np.exp(rng.normal(0, 0.05))
    error = np.maximum(8 * np.exp(-rate * t) + 3e-2 * cell["l2"], 3e-14)
    out = {("error_norm", ""): (t, error), ("decay_rate", ""): (cell["steps"], rate)}
    out["rate_bound", ""], out["rate_local", ""] = (cell["steps"], rate / 4), (cell["steps"], rate)
    return out


def _aligning(cell, rng):
    t = times(cell["steps"])
    until = cell["cutoff_step"] or np.inf
    on = cell["eta"] * cell["l2"] * np.minimum(t, until)
    loss = 50 * np.exp(-24 * cell["eta"] * t) + 1e-2 * cell["l2"] * (t < until) + 1e-27
    u = on * np.sqrt(50 / cell["width"])
    cosine = rng.normal(0.2, 0.02) * np.exp(-on) + 0.9 * u / np.sqrt(1 + u**2)
    passed = cosine >= 0.5
    reached = float(t[passed.argmax()]) if passed.any() else np.nan
    out = {("loss", ""): (t, loss), ("weight_alignment", "output"): (t, cosine)}
    return out | {("align_step", ""): (cell["steps"], reached)}


def _predicted(cell, rng):
    """`_aligning` beside its law: the same without chance."""
    out = _aligning(cell, rng)
    t, u = times(cell["steps"]), cell["eta"] * cell["l2"] * np.sqrt(50 / cell["width"])
    cosine = 0.9 * u * t / np.sqrt(1 + (u * t) ** 2)
    reached = float(t[(cosine >= 0.5).argmax()]) if (cosine >= 0.5).any() else np.nan
    return out | {
        ("law_alignment", "output"): (t, cosine),
        ("law_align_step", ""): (cell["steps"], reached),
    }


def _kernels(cell, rng):
    norm = 30 / np.sqrt(cell["width"]) * np.exp(rng.normal(0, 0.1))
    least = 12 * (1 - np.sqrt(50 / cell["width"])) ** 2
    values = {"lambda_min_G": least, "H_spectral_norm": norm, "lambda_min_EG": 12.0}
    return {(name, ""): (0, value) for name, value in values.items()}


def _bounded(cell, rng):
    # tanh networks, far from what the theorem supposes, let the error rise for a while.
    far = cell["activation"] == "tanh"
    norm = (900 if far else 90) / np.sqrt(cell["width"]) * np.exp(rng.normal(0, 0.1))
    values = {"rate_bound": 1e-3, "rate_least": 1e-3 * (-2 if far else 4) * rng.uniform(0.9, 1.1)}
    out = {(name, ""): (cell["steps"], value) for name, value in values.items()}
    return out | {("H_spectral_norm", ""): ([0, 1], [norm, 9.0]), ("lambda_min_EG", ""): (0, 12.0)}


def _sampled(cell, rng):
    norm = 0.1 * cell["samples"] * np.exp(rng.normal(0, 0.1))
    kernels = {("H_spectral_norm", ""): ([0, 1], [norm, 9.0]), ("lambda_min_EG", ""): (0, 12.0)}
    return _decaying(cell, rng) | kernels


def _learning(cell, rng):
    t = np.linspace(0, cell["steps"], 4).astype(int)
    learnt = 1 - np.exp(-5 * t / cell["steps"])
    size = (0.0 if cell["rule"] == "bp" else 0.5 + 10 * cell["l2"]) + rng.normal(0, 0.02)
    out = {("accuracy", ""): (t, 0.1 + 0.85 * learnt), ("loss", ""): (t, 0.5 - 0.4 * learnt)}
    for kind, layer in (("gradient", "hidden"), ("signal", "hidden"), ("weight", "output")):
        out[f"{kind}_alignment", layer] = t, size * learnt
    out["sample_signal_alignment", "output"] = t, size * learnt
    return out


def _layers(cell, rng):
    t = np.linspace(0, cell["steps"], 5).astype(int)
    course = 0.8 * (1 - np.exp(-6 * t / cell["steps"])) + rng.normal(0, 0.02)
    out = {
        ("gradient_alignment", str(n)): (t, course - 0.02 * n) for n in range(1, cell["depth"] + 1)
    }
    out["gradient_alignment", "hidden"] = t, course
    for layer in ("hidden", *map(str, range(1, cell["depth"] + 1))):
        out["null_gradient_alignment", layer] = t, 0 * t + rng.normal(0, 0.02, t.size)
    return out


def _walking(cell, rng):
    t = np.linspace(0, cell["steps"], 6).astype(int)
    walk = 0.1 * np.sqrt(t)
    straight = 1.0 if cell["case"] == "fresh_feedback" else 1 + 4 * t / cell["steps"]
    moved = walk * straight * (1 + rng.normal(0, 0.02))
    return {("displacement", "hidden"): (t, moved), ("walk_displacement", "hidden"): (t, walk)}


def _descending(cell, rng):
    t = np.arange(cell["steps"] + 1)
    reached = 0.2 if cell["case"] == "frozen_hidden" else 1.0
    loss = (0.5 + rng.normal(0, 0.01)) * (1 - 0.7 * reached * (1 - np.exp(-5 * t / t[-1])))
    step = -np.diff(loss, append=loss[-1])
    out = {("loss", ""): (t, loss), ("gradient_alignment", "hidden"): (t, 0.5 * t / t[-1])}
    for layer, share in (("1", 0.1), ("2", 0.2), ("output", 0.7)):
        out["descent_share", layer] = t, 0 * t + share
        out["descent", layer] = t, share * step
    return out


def _resting(cell, rng):
    t = np.linspace(0, cell["steps"], 41).astype(int)
    decay = np.exp(-20 * t / 2000) * np.exp(rng.normal(0, 0.1))
    bp, loss = 0.8 * decay, 0.5 * decay**2
    if cell["width"] == 4:
        later = np.exp(-np.maximum(t - (cell["switch_step"] or np.inf), 0) / 300)
        bp, loss = 0.03 * later + decay, 0.29 + 0.03 * later
    values = {"rule_gradient_norm": decay, "bp_gradient_norm": bp, "loss": loss}
    return {(name, ""): (t, value) for name, value in values.items()}


def _disturbed(cell, rng):
    t = np.unique([0, 100, MOMENT - 1, *range(MOMENT, cell["steps"] + 1, 25)])
    since = np.maximum(t - MOMENT, 0)
    tied = cell["case"] == "bp_tied"
    aligned = np.cos(np.deg2rad(cell["tie_angle"])) if tied else 0.7 * (cell["case"] == "fa_own")
    stable = cell["case"] in ("fa_own", "bp_alone", "bp_random_wide")
    rise = 1.0 if stable else 10 ** (6 * max(0.0, 0.8 - aligned) * rng.uniform(0.5, 1))
    loss = np.where(t < MOMENT, 1e-3, 1e-6 * (1 + rise * np.minimum(since / 40, 1)))
    out = {("loss", ""): (t, loss), ("loss_rise", ""): (cell["steps"], rise)}
    out["gradient_alignment", "hidden"] = t, 0 * t + aligned + rng.normal(0, 0.05)
    out["stability_ratio", ""] = t, 0 * t + (0.01 if stable else -0.5)
    for index in range(4):
        real = np.exp(rng.normal(0, 1)) * (1 if index % 2 or stable else -1)
        out["K_real", str(index)] = [MOMENT - 1, MOMENT], [real, real]
        out["K_imag", str(index)] = [MOMENT - 1, MOMENT], [0.3 * real, 0.3 * real]
    return out


def _ending(cell, rng):
    frozen = cell["case"] in ("frozen_hidden", "random_features", "fresh_feedback")
    accuracy = (0.92 if frozen else 0.96) - 0.2 * cell["l2"] - 0.01 * cell["depth"]
    aligned = 0.0 if frozen else 0.5 + 0.3 * cell["l2"] - 0.1 * cell["depth"]
    noise, steps = rng.normal(0, 0.01, 2), [0, cell["steps"]]
    out = {("accuracy", ""): (steps, [0.1, accuracy + noise[0]])}
    return out | {("gradient_alignment", "hidden"): (steps, [0.0, aligned + noise[1]])}


METHODS = (("bp", 0.0), ("fa", 0.0), ("fa", 0.01), ("dfa", 0.0), ("dfa", 0.01))
_DISTURBED = {
    "bp_random": {"rule": "bp", "switch_step": MOMENT, "switch_rule": "fa"},
    "bp_random_wide": {"rule": "bp", "switch_step": MOMENT, "switch_rule": "fa", "width": 64},
    "fa_own": {},
    "fa_fresh": {"redraw_step": MOMENT},
    "bp_alone": {"rule": "bp"},
}


def _stability_cells():
    base = DIGITS | {"width": 16, "steps": 500, "perturb_step": MOMENT, "perturb_size": 1e-4}
    cells = [base | own | {"case": case} for case, own in _DISTURBED.items()]
    tie = base | _DISTURBED["bp_random"] | {"case": "bp_tied", "tie_step": MOMENT, "eta": 0.01}
    return cells + [tie | {"tie_angle": float(angle)} for angle in (0, 45, 90)]


def _performance_cells():
    base = DIGITS | {"case": "trained", "decay_layers": "all"}
    cells = [base | {"rule": r, "l2": x} for r in ("bp", "fa") for x in (0.0, 0.3)]
    cells += [base | {"case": "frozen_hidden"}, base | {"case": "random_features", "width": 256}]
    cells += [base | {"case": "fresh_feedback"}]
    sizes = [{"width": w, "depth": d} for w in (16, 32) for d in (1, 2)]
    cells += [base | {"case": "search"} | size for size in sizes]
    return cells + [base | {"case": "search_direct", "rule": "dfa"} | size for size in sizes]


def _alignment_cells():
    cells = [
        DIGITS | {"case": "trained", "init_scale": s, "depth": d}
        for s in (0.1, 1.0)
        for d in (1, 2)
    ]
    cells += [DIGITS | {"case": "trained", "rule": "dfa", "init_scale": 0.1, "depth": 2}]
    cells += [DIGITS | {"depth": 2, "case": c} for c in ("fresh_feedback", "frozen_hidden")]
    return cells + [DIGITS | {"depth": 2, "case": "tied", "tie_angle": a} for a in (0.0, 90.0)]


def _fixed_cells():
    base = DIGITS | {"batch_size": 0, "steps": 2000}
    linear = base | {"activation": "linear", "samples": 150}
    then_bp = {"case": "then_bp", "steps": 4000, "switch_step": 2000, "switch_rule": "bp"}
    narrow = linear | {"width": 4, "case": "narrow"}
    return [base | {"samples": 15, "case": "interpolating"}, narrow, narrow | then_bp]


def _cutoff_cells(a):
    steps = ACTIVATIONS[a][1]
    cut = {"schedule": "cutoff", "cutoff_step": steps // 2}
    return [song(a, 400), song(a, 400, l2=0.3), song(a, 400, l2=0.3) | cut]


#: The cells and the recipe of each figure's table.
FIGURES = {
    "song_convergence": (
        [song(a, p, r, x) for a in ACTIVATIONS for p in (200, 800)
         for r, x in (("bp", 0.0), ("fa", 0.0), ("fa", 0.3))], _decaying,
    ),
    "song_theorem": (
        [song(a, p, r) for a in ACTIVATIONS for p in (200, 12800) for r in ("bp", "fa")], _bounded,
    ),
    "song_samples": (
        [song(a, 800, r, samples=n) for a in ACTIVATIONS for n in (25, 50, 100)
         for r in ("bp", "fa")], _sampled,
    ),
    "song_alignment_width": (
        [song(a, p, l2=x) for a in ACTIVATIONS for p in (100, 800) for x in (0.0, 0.3, 1.0)],
        _aligning,
    ),
    "song_loss": (
        [song(a, p, l2=x) for a in ACTIVATIONS for p in (100, 800) for x in (0.0, 0.3, 1.0)],
        _aligning,
    ),
    "song_cutoff": ([cell for a in ACTIVATIONS for cell in _cutoff_cells(a)], _aligning),
    "song_kernels": (
        [song(a, p, steps=0) for a in ACTIVATIONS for p in (100, 400, 1600)], _kernels,
    ),
    "song_scaling": (
        [song(a, p, parametrisation=s, data=d) for a in ACTIVATIONS for p in (100, 800)
         for s in ("song", "mean_field") for d in ("noise", "teacher_student")], _aligning,
    ),
    "song_extreme_width": (
        [song("linear", p, l2=x, steps=3_000_000) for p in (100, 10**5, 10**8) for x in (0.0, 1.0)],
        _predicted,
    ),
    "song_printed_steps": (
        [song(a, 200, l2=x, case=c) for a, x in (("linear", 0.2), ("linear", 0.5), ("tanh", 0.005))
         for c in ("authors", "printed")], _aligning,
    ),
    "song_mnist": ([MNIST | {"rule": r, "l2": x} for r, x in METHODS[:3]], _learning),
    "song_digits": ([DIGITS | {"rule": r, "l2": x} for r, x in METHODS[:3]], _learning),
    "rules_width": (
        [DIGITS | {"rule": r, "l2": x, "width": p} for r, x in METHODS for p in (16, 64)],
        _learning,
    ),
    "rules_depth": (
        [DIGITS | {"rule": r, "l2": x, "depth": d} for r, x in METHODS for d in (1, 2, 3)],
        _learning,
    ),
    "chu_alignment": (_alignment_cells(), _layers),
    "chu_random_walk": (_alignment_cells(), _walking),
    "chu_feedback_scale": (
        [DIGITS | {"case": "trained", "rule": r, "init_scale": s, "depth": d, "feedback_scale": f}
         for s in (0.1, 1.0) for r, d in (("fa", 1), ("fa", 2), ("dfa", 2)) for f in (0.1, 1.0)],
        _layers,
    ),
    "chu_descent": (
        [DIGITS | {"init_scale": s, "rule": r, "case": c, "batch_size": 0, "steps": 40, "depth": 2}
         for s in (0.1, 1.0)
         for r, c in (("fa", "trained"), ("dfa", "trained"), ("fa", "frozen_hidden"))],
        _descending,
    ),
    "chu_fixed_points": (_fixed_cells(), _resting),
    "chu_stability": (_stability_cells(), _disturbed),
    "chu_spectra": (_stability_cells(), _disturbed),
    "chu_after_switch": (_stability_cells(), _disturbed),
    "chu_alignment_performance": (_performance_cells(), _ending),
}  # fmt: skip


def figure_table(figure, replicates=3, diverges=None):
    """The table that a figure's notebook reads."""
    cells, recipe = FIGURES[figure]
    return table(figure, cells, recipe, replicates, diverges)
