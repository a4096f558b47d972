"""Engines: ways to compute a run, all of one science, each faster where it serves.

An engine is a module of this package, loaded by its name, so that a run's code is that of its own
engine. It has

- `unserved(condition)`: why it does not serve a condition, in one line that begins with the
  setting, or None;
- `build(setup, training, held_out, streams, replicates)`: the engine at its initial state, see
  `protocol.Engine`; setup as in `training.setup`, samples as in `training.batches`.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from feedback_alignment.conditions import Condition

# Fastest first; the last is the reference, which serves all that can be computed.
ENGINES = ("linear", "preactivation", "minibatch", "autograd")
# Those that compute where `device` says; the others are always on the CPU.
ON_DEVICE = ("preactivation", "minibatch")
AUTO = "auto"


def module_of(name: str) -> str:
    """Full name of an engine's module: its code.

    Raises:
        ValueError: there is no engine of that name.
    """
    if name not in ENGINES:
        raise ValueError(f"engine: unknown {name!r}; allowed: {AUTO}, {', '.join(ENGINES)}")
    return f"{__name__}.{name}"


def load(name: str) -> ModuleType:
    """An engine's module.

    Raises:
        ValueError: there is no engine of that name.
    """
    return importlib.import_module(module_of(name))


def unserved(name: str, condition: "Condition") -> str | None:
    """Why an engine does not serve a condition, whatever engine the condition names.

    Args:
        name: name of the engine.
        condition: the settings.

    Returns:
        One line that begins with the setting, or None if the engine serves it.

    Raises:
        ValueError: there is no engine of that name.
    """
    return load(name).unserved(condition)


def choose(condition: "Condition") -> str:
    """The engine that computes a condition: the one that it names, for `auto` the first to serve.

    Raises:
        ValueError: the engine does not serve the condition, or none does; the message is one line
            that begins with the setting.
    """
    if condition.engine != AUTO:
        reason = unserved(condition.engine, condition)
        if reason:
            raise ValueError(reason)
        return condition.engine
    reasons = {}
    for name in ENGINES:
        reasons[name] = unserved(name, condition)
        if reasons[name] is None:
            return name
    # Only the first engine knows Gram matrices, drawn or expected.
    needs = {"weights: wishart": condition.weights == "wishart", "law: true": condition.law}
    for needed in (what for what, asked in needs.items() if asked):
        raise ValueError(f"{needed} needs engine {ENGINES[0]}, but {reasons[ENGINES[0]]}")
    raise ValueError(reasons[ENGINES[-1]])
