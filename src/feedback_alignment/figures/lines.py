"""Which lines a figure has: their names and looks, in the order of the legend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from feedback_alignment.figures import style
from feedback_alignment.rules import RULES

Look = dict[str, Any]  # what `Axes.plot` takes, and whether there is a `band`
_MARKERS = "osD^vP"
#: Cases of runs that are left to themselves.
PLAIN = ("", "trained")


def lines_of(
    table: pd.DataFrame, hue: str, looks: Mapping[Any, Look], marker: str
) -> tuple[pd.Series, dict[str, Look]]:
    """The lines of a table, one for each value of `hue` and each `variant`.

    Args:
        table: tidy rows with a column `variant`.
        hue: a column of the table.
        looks: of values of `hue`; beside what `Axes.plot` takes, a `label`, and whether there is a
            `band`. They set the order if every value has one.
        marker: marker of the points, if any; another for each variant.

    Returns:
        For each row the name of its line; and of each line what `Axes.plot` takes.
    """
    variants = sorted(table["variant"].unique())
    firsts = table.drop_duplicates(hue).set_index(hue)
    pairs = list(zip(table[hue], table["variant"], strict=True))
    present = set(pairs)
    values = [value for value in looks if value in firsts.index]
    if len(values) < len(firsts):
        values = style.in_order(hue, table[hue])
        if hue == "method":
            methods = {m: (firsts.loc[m, "rule"], firsts.loc[m, "l2"]) for m in values}
            values.sort(key=lambda m: (_place(methods[m][0]), *methods[m]))
    found: dict[str, Look] = {}
    names: dict[tuple[Any, str], str] = {}
    for value in values:
        own = dict(looks.get(value, {}))
        name, color = _name_and_color(hue, value, firsts.loc[value])
        name = own.pop("label", name)
        for number, variant in enumerate(variants):
            if (value, variant) in present:
                text = names[value, variant] = f"{name}, {variant}" if variant else name
                look = {"color": color, "linestyle": style.variant(number)}
                if marker:
                    own["marker"] = _MARKERS[number % len(_MARKERS)] if number else marker
                found[text] = look | own | {"label": text}
    line = pd.Series([names[pair] for pair in pairs], index=table.index)
    return line.astype(pd.CategoricalDtype(list(found), ordered=True)), found


def _place(rule: str) -> int:
    """Where a rule comes in the legend: as they are listed, others last."""
    return [*RULES].index(rule) if rule in RULES else len(RULES)


def _name_and_color(hue: str, value: Any, one: pd.Series) -> tuple[str, str]:
    if hue == "method":
        return value, style.method_color(one["rule"], one["l2"])
    if hue == "l2":
        return style.l2_name(value), style.l2_color(value)
    if hue == "rule":
        return style.method_name(value, 0), style.rule_color(value)
    return str(value), style.case_color(str(value))


def by_layer(table: pd.DataFrame) -> tuple[list[str], dict[str, Look]]:
    """Names of each row's layer, and looks for :func:`facets`: light to dark from the input on.

    All hidden layers together are a broad line. Names tell the rule where there are several.
    """
    methods = sorted(set(zip(table["rule"], table["l2"], strict=True)))
    names, looks = {}, {}
    for method in methods:
        prefix = f"{style.method_name(*method)}, " if len(methods) > 1 else ""
        color = style.method_color(*method)
        own = {
            layer: (f"layer {layer}", {"color": c, "linewidth": 1.2, "zorder": 3.5, "band": False})
            for layer, c in style.layer_colors(color, table["layer"].unique()).items()
        }
        broad = {"color": color, "linewidth": 3.6, "alpha": 0.35}
        own |= {"hidden": ("all hidden layers", broad)}
        own |= {"output": ("output layer", {"color": style.OUTPUT})}
        for layer, (name, look) in own.items():
            names[*method, layer] = prefix + name
            looks[prefix + name] = look
    rows = zip(table["rule"], table["l2"], table["layer"], strict=True)
    return [names.get(row, row[-1]) for row in rows], looks


def by_case(table: pd.DataFrame) -> tuple[list[str], dict[str, Look]]:
    """Names of each row's case, and looks for :func:`facets`.

    Runs that are left to themselves (case `trained`, or none) are `plain FA`, a broad line; the
    others are controls, and dashed.
    """
    names, looks = {}, {}
    rows = list(table[["case", "tie_angle", "rule", "l2"]].itertuples(index=False, name=None))
    order = {key: (key[0] not in PLAIN, *key[:2], _place(key[2]), *key[2:]) for key in rows}
    for key in sorted(order, key=lambda key: order[key]):
        case, angle, *method = key
        if case in PLAIN:
            names[key] = f"plain {style.method_name(*method)}"
            looks[names[key]] = {"color": style.method_color(*method), "linewidth": 2.0}
        else:
            names[key] = style.case_name(case, angle)
            looks[names[key]] = style.NULL | {"color": style.case_color(case, angle)}
    return [names[row] for row in rows], looks
