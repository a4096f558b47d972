"""Which lines a figure has: their names, colours and dashes, in the order of the legend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from feedback_alignment.figures import marks, style
from feedback_alignment.rules import RULES

if TYPE_CHECKING:
    import pandas as pd

_MARKERS = "osD^vP"
#: Cases of runs that are left to themselves.
PLAIN = ("", "trained")


def lines_of(
    table: pd.DataFrame,
    hue: str,
    dash: str | None,
    looks: Mapping[Any, dict[str, Any]],
    name_variants: bool,
    marker: str,
) -> tuple[pd.Series, dict[str, dict[str, Any]]]:
    """The lines of a table with a column `variant`, a line for each value of `hue` and variant.

    Args:
        table: tidy rows.
        hue: a column of the table.
        dash: column whose values have a dash pattern each; it follows from `hue`.
        looks: of values of `hue`; beside what `Axes.plot` takes, a `label`, the number `dash` of a
            pattern, and whether there is a `band`. They set the order if every value has one.
        name_variants: whether variants have lines of their own.
        marker: marker of the points, if any; another for each variant.

    Returns:
        For each row the name of its line; and of each line what `Axes.plot` takes.
    """
    variants = sorted(table["variant"].unique()) if name_variants else [""]
    firsts = table.drop_duplicates(hue).set_index(hue)
    patterns = sorted({0.0, *table[dash]}) if dash else [0.0]
    values = [value for value in looks if value in firsts.index]
    if len(values) < len(firsts):
        values = _in_order(hue, table[hue], firsts)
    found: dict[str, dict[str, Any]] = {}
    names: dict[tuple[Any, str], str] = {}
    for value in values:
        own = dict(looks.get(value, {}))
        name, color = _name_and_color(hue, value, firsts.loc[value])
        name, base = own.pop("label", name), own.pop("dash", 0)
        if dash:
            base += patterns.index(firsts.loc[value, dash])
        for number, variant in enumerate(variants):
            if variant and not ((table[hue] == value) & (table["variant"] == variant)).any():
                continue
            text = f"{name}, {variant}" if variant else name
            look = {"color": color, "linestyle": marks.dash(base * len(variants) + number)} | own
            if marker:
                look |= {"marker": _MARKERS[number % len(_MARKERS)] if number else marker}
            names[value, variant] = text
            found[text] = look | {"label": text}
    import pandas as pd

    of = zip(table[hue], table["variant"] if name_variants else [""] * len(table), strict=True)
    line = pd.Series([names[pair] for pair in of], index=table.index)
    return line.astype(pd.CategoricalDtype(list(found), ordered=True)), found


def _in_order(hue: str, values: pd.Series, firsts: pd.DataFrame) -> list[Any]:
    if hue != "method":
        return style.in_order(hue, values)
    order = list(RULES)

    def place(method: str) -> tuple:
        rule, l2 = firsts.loc[method, ["rule", "l2"]]
        return order.index(rule) if rule in order else len(order), rule, l2

    return sorted(firsts.index, key=place)


def _name_and_color(hue: str, value: Any, one: pd.Series) -> tuple[str, str]:
    if hue == "method":
        return value, style.method_color(one["rule"], one["l2"])
    if hue == "l2":
        return style.l2_name(value), style.l2_color(value)
    if hue == "rule":
        return style.method_name(value, 0), style.rule_color(value)
    return str(value), style.case_color(str(value))


def by_layer(table: pd.DataFrame) -> tuple[list[str], dict[str, dict[str, Any]]]:
    """Names of each row's layer, and looks for :func:`facets`: light to dark from the input on.

    All hidden layers together are a broad line. Names tell the rule where there are several.
    """
    pairs = table[["rule", "l2"]].drop_duplicates().sort_values(["rule", "l2"])
    methods = list(pairs.itertuples(index=False, name=None))
    name_of, looks = {}, {}
    for method in methods:
        prefix = f"{style.method_name(*method)}, " if len(methods) > 1 else ""
        color = style.method_color(*method)
        for layer, shade in style.layer_colors(color, table["layer"].unique()).items():
            name_of[*method, layer] = f"{prefix}layer {layer}"
            look = {"color": shade, "linewidth": 1.2, "zorder": 3.5, "band": False}
            looks[f"{prefix}layer {layer}"] = look
        name_of[*method, "hidden"] = f"{prefix}all hidden layers"
        looks[f"{prefix}all hidden layers"] = {"color": color, "linewidth": 3.6, "alpha": 0.35}
        name_of[*method, "output"] = f"{prefix}output layer"
        looks[f"{prefix}output layer"] = {"color": style.OUTPUT}
    rows = zip(table["rule"], table["l2"], table["layer"], strict=True)
    return [name_of.get(row, row[-1]) for row in rows], looks


def by_case(table: pd.DataFrame) -> tuple[list[str], dict[str, dict[str, Any]]]:
    """Names of each row's case, and looks for :func:`facets`.

    Runs that are left to themselves (case `trained`, or none) are `plain FA`, a broad line.
    """
    names, looks = {}, {}
    keys = ["case", "tie_angle", "rule", "l2"]
    for key in sorted(set(table[keys].itertuples(index=False, name=None)), key=_plain_first):
        case, angle, rule, l2 = key
        if case in PLAIN:
            names[key] = f"plain {style.method_name(rule, l2)}"
            looks[names[key]] = {"color": style.method_color(rule, l2), "linewidth": 2.4}
        else:
            names[key] = style.case_name(case, angle)
            looks[names[key]] = {"color": style.case_color(case, angle)}
    return [names[key] for key in table[keys].itertuples(index=False, name=None)], looks


def _plain_first(key: tuple) -> tuple:
    return key[0] not in PLAIN, *key
