"""Formulas: numbers that a config computes from a condition's other settings."""

import ast
import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from feedback_alignment.errors import ConfigError

_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
}
_FUNCTIONS = {"sqrt": math.sqrt, "log": math.log, "round": round, "min": min, "max": max}
ALLOWED = "numbers, settings that are numbers, + - * / // ** ( ), sqrt, log, round, min, max"


@dataclass(frozen=True)
class Formula:
    """A number to be computed, as in `5000 * sqrt(width) // 14`."""

    path: str  # its key path, for messages
    text: str

    def value(self, settings: Mapping[str, Any]) -> float:
        """The number for the given settings, all arithmetic in floating point.

        Raises:
            ConfigError: it cannot be computed; one line with the key path.
        """
        place = f'{self.path}: "{self.text}"'
        try:
            found = self._number(ast.parse(self.text.strip(), mode="eval").body, settings)
        except ConfigError:
            raise
        except (SyntaxError, TypeError, RecursionError):
            raise ConfigError(f"{place} is no formula; allowed: {ALLOWED}") from None
        except (ArithmeticError, ValueError) as error:
            raise ConfigError(f"{place} has no value: {error}") from None
        if isinstance(found, complex):
            raise ConfigError(f"{place} has no value: the root of less than 0")
        return found

    def _number(self, node: ast.expr, settings: Mapping[str, Any]) -> float:
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return float(number)
            case ast.Name(id=name):
                value = settings.get(name)
                if isinstance(value, bool) or not isinstance(value, int | float):
                    what = f'"{name}" is no number that is given; allowed: {ALLOWED}'
                    raise ConfigError(f"{self.path}: {what}")
                return float(value)
            case ast.BinOp() if type(node.op) in _OPERATORS:
                sides = [self._number(side, settings) for side in (node.left, node.right)]
                return _OPERATORS[type(node.op)](*sides)
            case ast.UnaryOp(op=ast.USub()):
                return -self._number(node.operand, settings)
            case ast.Call(func=ast.Name(id=name), keywords=[]) if name in _FUNCTIONS:
                found = [self._number(argument, settings) for argument in node.args]
                return float(_FUNCTIONS[name](*found))
        raise TypeError
