"""One look for every figure: sizes, colours and dashes by meaning, and files that repeat.

A figure is drawn at the width at which it is printed and never scaled: a column of text for one
column of panels, the width of the text for more. No type is smaller than `SMALL`.

A colour and a dash always mean the same thing. A rule has one colour; a decay strength ``lambda``
has one, a function of its value alone, so that adding a value to a sweep recolours nothing.
Feedback alignment without decay is the rule itself, so ``lambda = 0`` has the colour of the rule.
Theory is `THEORY`, chance and controls are dashed as `NULL`, and what is measured is solid.
Nothing here changes matplotlib's settings at import: draw inside :func:`context`.
"""

from __future__ import annotations

import logging
import math
import zlib
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib.style
import pandas as pd
import seaborn
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure

from feedback_alignment.files import replacing
from feedback_alignment.networks.activations import ACTIVATIONS
from feedback_alignment.rules import RULES

COLUMN, TEXT = 3.4, 7.0  # inches: a column, and the text, of a page with two columns
SMALL = 7.0  # points: the smallest type

#: Colours that stay apart for every common colour blindness, and apart from the decay scale.
RULE_COLORS = {
    "bp": "#3a3f47", "fa": "#0072b2", "dfa": "#35b0ab", "usf": "#66a61e", "kp": "#8c6d31",
    "drtp": "#9a9da3",
}  # fmt: skip
_SPARE_COLORS = ("#56b4e9", "#a6611a", "#7f7f7f", "#1b7837")
GUIDE, INK, ALERT = "#7a7f87", "#22262b", "#b3261e"

#: What theory predicts.
THEORY: dict[str, Any] = {"color": INK, "linewidth": 1.1, "linestyle": (0, (1.2, 1.2))}
#: What chance gives. Controls have its dashes, and colours of their own.
NULL: dict[str, Any] = {"color": GUIDE, "linewidth": 1.1, "linestyle": (0, (4, 2))}
#: Published values, and their dashes where they are a course.
PUBLISHED: dict[str, Any] = {
    "marker": "D", "markerfacecolor": "none", "linewidth": 0.9, "markeredgewidth": 0.9,
    "linestyle": (0, (6, 1.5, 1, 1.5)),
}  # fmt: skip
#: Settings that a figure has no other place for, from the usual one on.
VARIANTS = ("-", (0, (5, 1.4, 1.2, 1.4)), (0, (5, 1.3, 1, 1.3, 1, 1.3)), (0, (9, 2)))
#: The kernels of Song 2021.
KERNEL_COLORS = {"lambda_min_G": "#00796b", "H_spectral_norm": "#7b4b2a"}

#: FA without decay, outputs divided by sqrt(p) or by p.
SCALING_COLORS = {"song": RULE_COLORS["fa"], "mean_field": "#4fb3e8"}
#: Controls, by their `case`.
CASE_COLORS = {"fresh_feedback": "#1b7837", "frozen_hidden": "#c77700"}
_TIED = "#4a2c85", "#bcaee0"  # feedback tied at 0 and at 90 degrees
OUTPUT = "#a3307e"  # the output layer, beside hidden ones
CASE_NAMES = {
    "fresh_feedback": "fresh feedback every step",
    "frozen_hidden": "hidden layers frozen",
    "random_features": "random features",
    "tied": "feedback tied",
}
DATA_NAMES = {
    "mnist": "MNIST", "digits_in_order": "digits, in order", "teacher_student": "teacher-student",
}  # fmt: skip

_RC: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],  # ships with matplotlib: no system font is ever used
    "font.size": 7.5,
    "text.color": INK,
    "axes.titlesize": 8.5, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.labelsize": 8.0, "axes.labelcolor": INK, "axes.edgecolor": "#5b6067",
    "axes.linewidth": 0.7, "axes.spines.top": False, "axes.spines.right": False,
    "grid.color": "#e4e7eb", "grid.linewidth": 0.6,
    "xtick.bottom": True, "xtick.labelsize": SMALL, "xtick.color": "#444a52",
    "xtick.major.size": 3.0, "xtick.minor.size": 1.5, "xtick.major.width": 0.7,
    "ytick.left": True, "ytick.labelsize": SMALL, "ytick.color": "#444a52",
    "ytick.major.size": 3.0, "ytick.minor.size": 0.0, "ytick.major.width": 0.7,
    "lines.markersize": 3.5,
    "legend.frameon": False, "legend.fontsize": 7.5, "legend.handlelength": 2.2,
    "legend.columnspacing": 1.4, "legend.title_fontsize": 7.5,
    "savefig.dpi": 200.0, "savefig.facecolor": "white",
    "svg.hashsalt": "feedback-alignment",  # else an SVG holds random ids
    "pdf.fonttype": 42,
}  # fmt: skip


def context() -> AbstractContextManager[None]:
    """Seaborn's white grid on matplotlib's defaults, with this style's sizes, undone at exit.

    A reader's ``matplotlibrc`` does not count, so that figures are the same everywhere.
    """
    return matplotlib.style.context(["default", seaborn.axes_style("whitegrid"), _RC])


def rule_color(rule: str) -> str:
    """Colour of a learning rule; a rule not named here gets a spare one fixed by its name."""
    return RULE_COLORS.get(rule) or _spare(rule)


def _spare(name: str) -> str:
    return _SPARE_COLORS[zlib.crc32(name.encode()) % len(_SPARE_COLORS)]


def l2_color(l2: float) -> str:
    """Colour of a decay strength ``lambda >= 0``, light to dark as it grows.

    A squashed logarithm keeps the usual values (0.01 to 10) far apart and every other one on the
    scale.
    """
    if l2 == 0:
        return RULE_COLORS["fa"]
    position = 1.0 / (1.0 + math.exp(-0.9 * (math.log10(l2) + 0.4)))
    return to_hex(seaborn.color_palette("magma_r", as_cmap=True)(0.08 + 0.85 * position))


def method_color(rule: str, l2: float) -> str:
    """Colour of a rule with a decay: that of the decay for FA, that of the rule otherwise."""
    return l2_color(l2) if rule == "fa" else rule_color(rule)


def method_name(rule: str, l2: float) -> str:
    """Legend entry of a rule with a decay, such as ``FA, λ = 0.3``."""
    name = RULES[rule].label if rule in RULES else rule
    return name if l2 == 0 else f"{name}, λ = {l2:g}"


def l2_name(l2: float) -> str:
    """Legend entry of a decay strength."""
    return f"λ = {l2:g}"


def case_name(case: str, angle: float = 0.0) -> str:
    """A condition's role in words; an unknown one by its name, `my_control` as `my control`.

    `angle` is `tie_angle`, degrees: of a case `tied` it is part of the role.
    """
    name = CASE_NAMES.get(case, case.replace("_", " "))
    return f"{name} at {angle:g}°" if case == "tied" else name


def case_color(case: str, angle: float = 0.0) -> str:
    """Colour of a control; arguments as for :func:`case_name`."""
    if case == "tied":
        return to_hex(LinearSegmentedColormap.from_list(case, _TIED)(min(angle / 90, 1.0)))
    return CASE_COLORS.get(case) or _spare(case)


def variant(number: int) -> Any:
    """The dashes of a setting that a figure has no other place for; none for the usual one, 0."""
    return VARIANTS[number % len(VARIANTS)]


def width_colors(widths: Iterable[int]) -> dict[int, str]:
    """A colour for each width, where they are lines of one figure: the wider, the darker."""
    ordered = sorted(set(widths))
    shades = seaborn.blend_palette(["#cfc45a", "#8f8400", "#3f3a00"], len(ordered))
    return {width: to_hex(shade) for width, shade in zip(ordered, shades, strict=True)}


def layer_colors(color: str, layers: Iterable[str]) -> dict[str, str]:
    """A colour for each hidden layer, light to dark from the input on."""
    names = sorted({name for name in layers if name.isdecimal()}, key=int)
    if len(names) < 2:
        return {name: to_hex(color) for name in names}
    ends = seaborn.light_palette(color, 9)[4], seaborn.dark_palette(color, 9)[4]
    shades = seaborn.blend_palette([ends[0], color, ends[1]], len(names))
    return {name: to_hex(shade) for name, shade in zip(names, shades, strict=True)}


def label(setting: str, value: Any) -> str:
    """The value of a setting as a panel's title."""
    if setting == "activation" and value in ACTIVATIONS:
        return ACTIVATIONS[value].label
    if setting == "data" and value in DATA_NAMES:
        return DATA_NAMES[value]
    if setting == "width":
        return f"$p$ = {count(value)}"
    if setting == "depth":
        return f"{value} hidden layer{'s' if value != 1 else ''}"
    return f"$\\sigma$ = {value:g}" if setting == "init_scale" else str(value)


def in_order(setting: str, values: pd.Series) -> list[Any]:
    """Values of a setting in order: activations and rules as they are listed, others sorted.

    Values of a categorical column keep the order of its categories.
    """
    listed = {"activation": [*ACTIVATIONS], "rule": [*RULES]}
    known = listed.get(setting, [*getattr(values.dtype, "categories", ())])
    found = set(values)
    return [v for v in known if v in found] + sorted(found.difference(known))


def count(number: float) -> str:
    """An integer with thin spaces between thousands, ``12 800``; powers of ten beyond 10^5."""
    exponent = math.log10(number) if number > 0 else 0.0
    if exponent >= 5 and exponent == round(exponent):
        return f"$10^{{{round(exponent)}}}$"
    return thousands(number)


def thousands(number: float) -> str:
    """A number without decimals, with thin spaces between thousands."""
    return f"{number:,.0f}".replace(",", "\u2009")


def save(figure: Figure, out_dir: str | Path, name: str) -> list[Path]:
    """Write ``<out_dir>/<name>.{svg,pdf,png}``, each whole or not at all; returns the three paths.

    No file holds a date or a random id: the same figure gives the same bytes.
    """
    # The font subsetter remarks on the age of matplotlib's own mathematical fonts.
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    paths = []
    for suffix, metadata in (("svg", {"Date": None}), ("pdf", {"CreationDate": None}), ("png", {})):
        paths.append(Path(out_dir) / f"{name}.{suffix}")
        with context(), replacing(paths[-1]) as temporary:
            figure.savefig(temporary, format=suffix, metadata=metadata)
    return paths
