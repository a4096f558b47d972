"""Learning rules, by name: every rule that a module of this package defines.

No module of a rule is imported by name here, so that a run's code is that of its own rule.
"""

import importlib
import pkgutil
from collections.abc import Iterable

from feedback_alignment.rules.rule import Rule

__all__ = ["RULES", "Rule", "find_rules", "module_of", "rule_named"]

# What comes with the library, in its order; any other module of this package is a user's own. A
# job runs from a copy of its own code, in which modules of other rules may lack.
LIBRARY_MODULES = ("rule", "bp", "fa", "dfa", "sign_symmetry", "kolen_pollack", "drtp")


def find_rules(folders: Iterable[str]) -> dict[str, tuple[Rule, str]]:
    """The rules of all modules of this package with their modules, the library's own first.

    Args:
        folders: where the package's modules lie.

    Returns:
        Rule and full name of its module, by the rule's name.

    Raises:
        ValueError: two rules have one name.
    """
    there = {found.name for found in pkgutil.iter_modules([*__path__, *folders])}
    own = [module for module in LIBRARY_MODULES if module in there]
    rules: dict[str, tuple[Rule, str]] = {}
    for module in (*own, *sorted(there - {*own})):
        name = f"{__name__}.{module}"
        for value in vars(importlib.import_module(name)).values():
            if not isinstance(value, Rule):
                continue
            if rules.setdefault(value.name, (value, name))[0] is not value:
                raise ValueError(f"rules: {value.name!r} names two rules, one in {module}.py")
    return rules


_FOUND = find_rules(__path__)
RULES = {name: rule for name, (rule, _) in _FOUND.items()}


def rule_named(name: str) -> Rule:
    """Look a learning rule up.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in RULES:
        raise ValueError(f"unknown rule {name!r}; allowed: {', '.join(RULES)}")
    return RULES[name]


def module_of(name: str) -> str:
    """Full name of the module that defines a rule: its code.

    Raises:
        ValueError: there is no rule of that name.
    """
    rule_named(name)
    return _FOUND[name][1]
