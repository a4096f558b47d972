"""Which engine computes a condition, as long as engines do not say themselves what they serve."""

from typing import Any

from feedback_alignment.conditions import Condition
from feedback_alignment.rules import TWO_LAYER_RULES
from feedback_alignment.settings import DEFAULTS

# The algebra of the reduced engine is each rule's own, and needs the range of float64.
LINEAR_ENGINE_SERVES = {"activation": ("linear",), "rule": ("bp", "fa"), "dtype": ("float64",)}
# Settings of the networks whose parametrisation is not `song`; in these they have their defaults.
MLP_ONLY = {
    name: DEFAULTS[name]
    for name in (
        "decay_layers",
        "depth",
        "bias",
        "init_scale",
        "feedback_scale",
        "feedback_distribution",
        "data",
        "scaling",
        "validation_samples",
        "batch_size",
        "switch_step",
        "redraw_step",
        "tie_step",
        "perturb_step",
        "freeze_step",
        "metric_samples",
        "null_alignment",
        "descent",
        "spectrum",
        "eigenvalues",
    )
}
TWO_LAYER_ONLY = {name: DEFAULTS[name] for name in ("weights", "kernels")}
# Engines by whether the parametrisation is `song`.
_ENGINES = {
    True: ("auto", "linear", "preactivation", "autograd"),
    False: ("auto", "minibatch", "autograd"),
}


def choose(condition: Condition) -> str:
    """The engine that computes a condition: the one that it names, or for `auto` the fastest.

    Raises:
        ValueError: no engine serves the condition; the message starts with the setting.
    """
    allowed = _ENGINES[condition.two_layer]
    if condition.engine not in allowed:
        raise ValueError(
            f"engine: {condition.engine} does not serve parametrisation "
            f"{condition.parametrisation}; allowed: {', '.join(allowed)}"
        )
    return _of_song(condition) if condition.two_layer else _of_mlp(condition)


def _of_song(condition: Condition) -> str:
    for name, plain in {**MLP_ONLY, "loss_function": "half_sum"}.items():
        value = getattr(condition, name)
        if value != plain:
            raise ValueError(
                f"{name}: {_shown(value)} needs parametrisation standard or ntk; "
                f"allowed: only {_shown(plain)} with parametrisation song"
            )
    if condition.rule not in TWO_LAYER_RULES:
        raise ValueError(
            f"rule: {condition.rule} needs parametrisation standard or ntk; "
            f"allowed with parametrisation song: {', '.join(TWO_LAYER_RULES)}"
        )
    unserved = [
        f"{name} {getattr(condition, name)}"
        for name, served in LINEAR_ENGINE_SERVES.items()
        if getattr(condition, name) not in served
    ]
    engine = condition.engine
    if engine == "auto":
        engine = "preactivation" if unserved else "linear"
    if engine == "linear" and unserved:
        raise ValueError(
            f"engine: linear does not serve {' with '.join(unserved)}; "
            "allowed: auto, preactivation, autograd"
        )
    if condition.weights == "wishart" and engine != "linear":
        raise ValueError(
            f"weights: wishart needs the linear engine, not {engine}; "
            "allowed: explicit, or activation linear with engine auto"
        )
    return engine


def _of_mlp(condition: Condition) -> str:
    for name, plain in TWO_LAYER_ONLY.items():
        value = getattr(condition, name)
        if value != plain:
            raise ValueError(
                f"{name}: {_shown(value)} needs parametrisation song; "
                f"allowed: only {_shown(plain)} with parametrisation {condition.parametrisation}"
            )
    if condition.loss_function == "half_sum":
        raise ValueError(
            "loss_function: half_sum needs parametrisation song; allowed: half_mean, cross_entropy "
            f"with parametrisation {condition.parametrisation}"
        )
    if condition.spectrum and condition.loss_function != "half_mean":
        raise ValueError(
            "spectrum: K_FA tells stability for half_mean alone; allowed: only false with "
            f"loss_function {condition.loss_function}"
        )
    engine = "minibatch" if condition.engine == "auto" else condition.engine
    condition.model_copy(update={"engine": engine}).mlp_settings()
    return engine


def _shown(value: Any) -> str:
    return (
        "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    )
