"""One look for every figure: colours by meaning, type sizes, and files that repeat byte for byte.

A colour always means the same thing. A rule has one colour; a decay strength ``lambda`` has one,
a function of its value alone, so that adding a value to a sweep recolours nothing. Feedback
alignment without decay is the rule itself, so ``lambda = 0`` has the colour of the rule.
Nothing here changes matplotlib's settings at import: draw inside :func:`context`.
"""

from __future__ import annotations

import logging
import math
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedback_alignment.files import replacing
from feedback_alignment.rules import RULES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 7.2  # inches: the text width of a two-column page
FORMATS = ("svg", "pdf", "png")

#: Colours that stay apart for every common colour blindness, and apart from the decay scale.
RULE_COLORS = {
    "bp": "#3a3f47",
    "fa": "#0072b2",
    "dfa": "#35b0ab",
    "usf": "#66a61e",
    "kp": "#8c6d31",
    "drtp": "#9a9da3",
}
_SPARE_COLORS = ("#56b4e9", "#a6611a", "#7f7f7f", "#1b7837")
KERNEL_COLORS = {"G": "#00796b", "H": "#c77700"}
GUIDE = "#7a7f87"
INK = "#22262b"
ALERT = "#b3261e"

ACTIVATION_NAMES = {"relu": "ReLU", "linear": "linear", "tanh": "tanh", "erf": "erf"}
_ACTIVATION_ORDER = ("linear", "relu", "tanh", "erf", "softplus")

_RC: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],  # ships with matplotlib: no system font is ever used
    "font.size": 8.0,
    "mathtext.fontset": "dejavusans",
    "axes.titlesize": 9.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#5b6067",
    "axes.linewidth": 0.7,
    "xtick.bottom": True,
    "ytick.left": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": "#e4e7eb",
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.color": "#444a52",
    "ytick.color": "#444a52",
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 0.0,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "lines.linewidth": 1.5,
    "lines.markersize": 4.0,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "legend.handlelength": 1.9,
    "legend.columnspacing": 1.6,
    "figure.facecolor": "white",
    "figure.dpi": 100.0,
    "savefig.dpi": 200.0,
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "feedback-alignment",
    "pdf.fonttype": 42,
    "pdf.compression": 6,
    "path.simplify": True,
}


def context() -> AbstractContextManager[None]:
    """Seaborn's white grid on matplotlib's defaults, with this style's sizes, undone at exit.

    A reader's ``matplotlibrc`` does not count, so that figures are the same everywhere.
    """
    import matplotlib.style
    import seaborn

    return matplotlib.style.context(["default", seaborn.axes_style("whitegrid"), _RC])


def rule_color(rule: str) -> str:
    """Colour of a learning rule; a rule not named here gets a spare one fixed by its name."""
    if rule in RULE_COLORS:
        return RULE_COLORS[rule]
    return _SPARE_COLORS[zlib.crc32(rule.encode()) % len(_SPARE_COLORS)]


def l2_color(l2: float) -> str:
    """Colour of a decay strength ``lambda >= 0``, light to dark as it grows.

    A squashed logarithm keeps the usual values (0.01 to 10) far apart and every other one on the
    scale.
    """
    import seaborn
    from matplotlib.colors import to_hex

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


def activation_name(activation: str) -> str:
    """Panel title of an activation."""
    return ACTIVATION_NAMES.get(activation, activation)


def in_order(activations: list[str]) -> list[str]:
    """Activations in the order of the panels: the known ones as in the paper, then by name."""
    known = [name for name in _ACTIVATION_ORDER if name in activations]
    return known + sorted(set(activations) - set(known))


def count(number: float) -> str:
    """An integer with thin spaces between thousands, ``12 800``; powers of ten beyond 10^5."""
    exponent = math.log10(number) if number > 0 else 0.0
    if exponent >= 5 and exponent == round(exponent):
        return f"$10^{{{round(exponent)}}}$"
    return f"{number:,.0f}".replace(",", "\u2009")


def save(figure: Figure, out_dir: str | Path, name: str) -> list[Path]:
    """Write ``<out_dir>/<name>.{svg,pdf,png}``, each whole or not at all.

    No file holds a date or a random id: the same figure gives the same bytes.

    Returns:
        The three paths, in the order of :data:`FORMATS`.
    """
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}
    paths = [Path(out_dir) / f"{name}.{suffix}" for suffix in FORMATS]
    # The font subsetter remarks on the age of matplotlib's own mathematical fonts.
    with context(), _quiet("fontTools"):
        for suffix, path in zip(FORMATS, paths, strict=True):
            with replacing(path) as temporary:
                figure.savefig(temporary, format=suffix, metadata=metadata[suffix])
    return paths


@contextmanager
def _quiet(logger: str) -> Iterator[None]:
    log = logging.getLogger(logger)
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
