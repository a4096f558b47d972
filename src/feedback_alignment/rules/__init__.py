"""Learning rules, by name: every rule that a module of this package defines.

No module of a rule is imported by name here, so that a run's code is that of its own rule.
"""

import importlib
import pkgutil
from collections.abc import Iterable

from feedback_alignment.rules.rule import Rule

__all__ = ["RULES", "Rule", "find_rules", "rule_named"]

# What comes with the library, in its order; any other module of this package is a user's own. A
# job runs from a copy of its own code, in which modules of other rules may lack.
_LIBRARY = ("bp", "fa", "dfa", "sign_symmetry", "kolen_pollack", "drtp")


def find_rules(folders: Iterable[str]) -> dict[str, Rule]:
    """The rules of all modules of this package, by name, the library's own first.

    Args:
        folders: where the package's modules lie.

    Raises:
        ValueError: two rules have one name.
    """
    there = {found.name for found in pkgutil.iter_modules(folders)}
    own = [module for module in _LIBRARY if module in there]
    rules: dict[str, Rule] = {}
    for module in (*own, *sorted(there - {*own})):
        for value in vars(importlib.import_module(f"{__name__}.{module}")).values():
            if isinstance(value, Rule) and rules.setdefault(value.name, value) is not value:
                raise ValueError(f"rules: {value.name!r} names two rules, one in {module}.py")
    return rules


RULES = find_rules(__path__)


def rule_named(name: str) -> Rule:
    """Look a learning rule up.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in RULES:
        raise ValueError(f"unknown rule {name!r}; allowed: {', '.join(RULES)}")
    return RULES[name]
