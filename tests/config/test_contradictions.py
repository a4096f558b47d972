"""Settings that contradict each other are named, with what is allowed."""

import re

import pytest

from feedback_alignment.config import ConfigError, parse_config

DEEP = {"parametrisation": "standard", "loss_function": "half_mean"}
MLP = DEEP | {"data": "digits", "width": 8, "steps": 100}


def parsed(settings, **top):
    experiment = {"settings": settings, "include": [{}]}
    return parse_config({"name": "t", "experiments": {"e": experiment}, **top}, {})


def condition(settings, **top):
    return parsed(settings, **top).experiments[0].conditions[0]


CONTRADICTIONS = {
    "a song of two hidden layers": (
        {"depth": 2},
        "settings.depth: 2 is not possible with parametrisation song; "
        "allowed: 1, or another parametrisation",
    ),
    "kernels of an MLP": (
        MLP | {"kernels": True},
        "settings.kernels: true needs parametrisation song or mean_field with batch_size 0, bias "
        "false and data teacher_student or linear_teacher or noise; allowed: only false",
    ),
    "engine of an MLP": (
        MLP | {"engine": "linear", "activation": "linear"},
        "settings.parametrisation: standard is not served by engine linear; "
        "allowed: song, mean_field",
    ),
    "engine of two-layer networks": (
        {"engine": "preactivation", "rule": "dfa"},
        "settings.rule: dfa is not served by engine preactivation; allowed: bp, fa",
    ),
    "unknown rule": (
        MLP | {"rule": "dfaa"},
        'settings.rule: unknown rule "dfaa"; did you mean "dfa"?; '
        "allowed: bp, fa, dfa, usf, kp, drtp, fa_reg",
    ),
    "unknown data": (
        MLP | {"data": "mnits"},
        'settings.data: unknown data "mnits"; did you mean "mnist"?; '
        "allowed: teacher_student, linear_teacher, noise, digits, digits_in_order, mnist",
    ),
    "unknown rule to switch to": (
        MLP | {"switch_step": 3, "switch_rule": "dfaa"},
        'settings.switch_rule: unknown switch_rule "dfaa"; did you mean "dfa"?',
    ),
    "no rule to switch to": (
        MLP | {"switch_step": 3},
        "settings.switch_rule: missing; switch_step needs the rule to switch to",
    ),
    "a size without its step": (
        MLP | {"perturb_size": 0.1},
        "settings.perturb_size: has no effect without perturb_step; give it too",
    ),
    "fresh feedback without its step": (
        MLP | {"redraw_every": 1},
        "settings.redraw_every: has no effect without redraw_step; give it too",
    ),
    "a perturbation without its size": (
        MLP | {"perturb_step": 5},
        "settings.perturb_size: missing; perturb_step needs a size above 0",
    ),
    "a tolerance that is never checked": (
        MLP | {"settle_tolerance": 0.1},
        "settings.settle_tolerance: has no effect without settle_window; give it too",
    ),
    "an operator of another loss": (
        MLP | {"samples": 5, "spectrum": True, "loss_function": "cross_entropy"},
        "settings.spectrum: K_FA tells stability for squared errors alone; "
        "allowed: only false with loss_function cross_entropy",
    ),
    "an intervention after the end": (
        MLP | {"freeze_step": 101},
        "settings.freeze_step: 101; allowed: 0 to 100 (steps is 100)",
    ),
    "too many samples": (
        MLP | {"samples": 1438},
        "settings.samples: 1438 is more than digits has; allowed: 1 to 1437, or null for all",
    ),
    "too many held out": (
        MLP | {"validation_samples": 1437},
        "settings.validation_samples: 1437 leaves none of the 1437 training samples of digits; "
        "allowed: 0 to 1436",
    ),
    "too many components": (
        MLP | {"samples": 15, "dimension": 16},
        "settings.dimension: 16 is not possible with 15 samples of digits; "
        "allowed: 1 to 15 principal components, or null for all 64 inputs",
    ),
    "too large a batch": (
        MLP | {"samples": 15, "batch_size": 16},
        "settings.batch_size: 16 is more than the 15 training samples; allowed: 0 (all) to 15",
    ),
    "scaled regression": (
        MLP | {"data": "teacher_student", "scaling": "centred"},
        "settings.scaling: allowed: only none with data teacher_student",
    ),
    "classes of a regression": (
        MLP | {"data": "teacher_student", "loss_function": "cross_entropy"},
        "settings.loss_function: cross_entropy needs classes; "
        "allowed: half_sum, half_mean, mse with data teacher_student",
    ),
    "a spectrum too large": (
        MLP | {"spectrum": True},
        "settings.spectrum: 14370 errors (samples times outputs) are too many; allowed: 4000",
    ),
    "a spectrum without an operator": (
        MLP | {"samples": 5, "spectrum": True, "rule": "drtp"},
        "settings.spectrum: rule 'drtp' has no operator K, its signals ignore the errors",
    ),
    "eigenvalues without a spectrum": (
        MLP | {"eigenvalues": True},
        "settings.eigenvalues: true needs spectrum: true",
    ),
    "autograd on a GPU": (
        MLP | {"engine": "autograd"},
        "settings.device: cuda is not served by engine autograd; allowed: cpu",
    ),
    "too large a network": (
        MLP | {"width": 30_000},
        "settings.width: 30000 with depth 2 is too large; allowed: 500000000 weights in all",
    ),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_a_contradiction_gets_one_line(case):
    settings, message = CONTRADICTIONS[case]
    if case == "too large a network":
        settings = settings | {"depth": 2}
    top = {"device": "cuda"} if case == "autograd on a GPU" else {}
    with pytest.raises(ConfigError, match="^experiments.e." + re.escape(message)) as caught:
        condition(settings, **top)
    assert "\n" not in str(caught.value)


def test_a_size_without_its_step_is_named_where_it_stands():
    experiment = {"settings": MLP, "include": [{"perturb_step": 5, "perturb_size": 1}]}
    experiment["include"].append({"tie_angle": 30})
    message = r"^experiments\.e\.include\[1\]\.tie_angle: has no effect without tie_step"
    with pytest.raises(ConfigError, match=message):
        parse_config({"name": "t", "experiments": {"e": experiment}}, {})
