"""Learning rules, by name: every rule that a module of this package defines."""

import importlib
import pkgutil
from collections.abc import Iterable

from feedback_alignment.rules.bp import BP
from feedback_alignment.rules.dfa import DFA
from feedback_alignment.rules.drtp import DRTP
from feedback_alignment.rules.fa import FA
from feedback_alignment.rules.kolen_pollack import KP
from feedback_alignment.rules.rule import Rule
from feedback_alignment.rules.sign_symmetry import USF

__all__ = [
    "BP",
    "DFA",
    "DRTP",
    "FA",
    "KP",
    "LIBRARY_MODULES",
    "LIBRARY_RULES",
    "RULES",
    "TWO_LAYER_RULES",
    "USF",
    "Rule",
    "find_rules",
    "rule_named",
]


# What comes with the library; any other module of this package is a user's own.
LIBRARY_RULES = {rule.name: rule for rule in (BP, FA, DFA, USF, KP, DRTP)}
LIBRARY_MODULES = ("__init__", "rule", "bp", "fa", "dfa", "sign_symmetry", "kolen_pollack", "drtp")


def find_rules(folders: Iterable[str]) -> dict[str, Rule]:
    """The rules of all modules of this package, by name, the library's own first.

    Args:
        folders: where the package's modules lie.

    Raises:
        ValueError: two rules have one name.
    """
    rules = dict(LIBRARY_RULES)
    for module in sorted(found.name for found in pkgutil.iter_modules(folders)):
        for value in vars(importlib.import_module(f"{__name__}.{module}")).values():
            if isinstance(value, Rule) and rules.setdefault(value.name, value) is not value:
                raise ValueError(f"rules: {value.name!r} names two rules, one in {module}.py")
    return rules


RULES = find_rules(__path__)

# Those that the two-layer engines serve.
TWO_LAYER_RULES = {name: rule for name, rule in RULES.items() if rule.two_layer}


def rule_named(name: str, network: str = "two_layer") -> Rule:
    """Look a learning rule up.

    Args:
        name: name of the rule.
        network: `two_layer`, whose engines do not serve every rule, or `mlp`.

    Raises:
        ValueError: there is none of that name, or these networks do not have it.
    """
    if name not in RULES:
        raise ValueError(f"unknown rule {name!r}; allowed: {', '.join(RULES)}")
    if network == "two_layer" and not RULES[name].two_layer:
        served = ", ".join(TWO_LAYER_RULES)
        raise ValueError(f"rule {name!r} needs an MLP; two-layer engines serve {served}")
    return RULES[name]
