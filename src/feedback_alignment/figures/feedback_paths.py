"""A drawing of how the error reaches the hidden layer under BP and FA."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Arc, Circle, FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from feedback_alignment.figures import style

_FILL, _EDGE, _LINE = "#f3f5f7", "#5b6067", "#c3c8ce"
_INPUT, _HIDDEN, _OUTPUT, _ERROR = 0.7, 3.8, 6.9, 9.5  # abscissae of the layers
_AXIS, _LANE = 5.0, 0.9  # ordinates of the forward pass and of the way back


def draw() -> Figure:
    """Three panels: the way back of the error under BP and FA, and the angle of beta and b."""
    with style.context():
        figure = Figure(figsize=(style.TEXT, 2.85))
        boxes = ((0.005, 0.0, 0.375, 1.0), (0.39, 0.0, 0.375, 1.0), (0.785, 0.0, 0.21, 1.0))
        backward, feedback, angle = (figure.add_axes(box) for box in boxes)
        for axes, ends in ((backward, (-0.2, 10.7)), (feedback, (-0.2, 10.7)), (angle, (0, 6.1))):
            axes.set_axis_off()
            axes.set(xlim=ends, ylim=(-2.0, 9.75))
            axes.set_aspect("equal", anchor="N")
        _network(backward, "Backpropagation (BP)", "bp", "\\beta")
        _network(feedback, "Feedback alignment (FA)", "fa", "b")
        _angle(angle)
    return figure


def _network(axes: Axes, title: str, rule: str, symbol: str) -> None:
    color = style.rule_color(rule)
    axes.text(0.0, 9.2, title, fontsize=9.0, fontweight="bold", color=color)
    inputs = _layer(axes, _INPUT, (3.2, 4.4, 6.8), "$x$")
    hidden = _layer(axes, _HIDDEN, (2.6, 3.8, 5.0, 7.4), "$\\psi(Wx)$")
    output = _layer(axes, _OUTPUT, (5.0,), "$f(x)$")
    for (x0, y0), (x1, y1) in [*product(inputs, hidden), *product(hidden, output)]:
        axes.plot([x0 + 0.4, x1 - 0.4], [y0, y1], color=_LINE, linewidth=0.8, zorder=1)
    _label(axes, (_INPUT + _HIDDEN) / 2, 5.75, "$W$")
    _label(axes, (_HIDDEN + _OUTPUT) / 2 + 0.2, 5.35, "$\\beta$")
    _arrow(axes, (_OUTPUT + 0.42, _AXIS), (_ERROR - 1.08, _AXIS), _EDGE, 1.0)
    _chip(axes, _ERROR, _AXIS, "$e = f-y$", _EDGE, width=2.1)
    # The way back: down from the error, along the lane, up into the hidden layer.
    _lane(axes, color)
    gate = (_HIDDEN + _OUTPUT) / 2 + 0.45
    _chip(axes, gate, _LANE, f"$\\times\\,{symbol}_r$", color, width=1.5, filled=True)
    origin = "random,\nnever learnt"
    if rule == "bp":
        origin = "copied from $\\beta$\nat every step"
        link = {"color": color, "linewidth": 1.0, "linestyle": (0, (1.2, 1.4))}
        axes.plot([gate, gate], [_LANE + 0.55, 4.35], **link)
    axes.text(gate + 0.25, 2.45, origin, fontsize=style.SMALL, color=color, va="center")
    scale = "\\dfrac{\\eta}{\\sqrt{p}}"
    update = f"$\\Delta w_r=-{scale}\\,\\sum_i e_i\\,{symbol}_r\\,\\psi'(w_r x_i)\\,x_i$"
    axes.text(5.1, -1.05, update, fontsize=8.5, color=color, ha="center", va="center")


def _layer(
    axes: Axes, x: float, heights: tuple[float, ...], label: str
) -> list[tuple[float, float]]:
    """A column of units; where it leaves a gap, dots stand for the others."""
    for y in heights:
        unit = {"facecolor": _FILL, "edgecolor": _EDGE, "linewidth": 1.0, "zorder": 3}
        axes.add_patch(Circle((x, y), 0.4, **unit))
    if len(heights) > 1:
        middle = (heights[-2] + heights[-1]) / 2
        axes.plot([x] * 3, [middle - 0.32, middle, middle + 0.32], ".", color=_EDGE, markersize=2.2)
    _label(axes, x, max(heights) + (0.75 if len(heights) > 1 else 0.85), label)
    return [(x, y) for y in heights]


def _label(axes: Axes, x: float, y: float, text: str, **look: Any) -> None:
    halo = {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.9}
    axes.text(x, y, text, **{"fontsize": 8.5, "ha": "center", "va": "center", "bbox": halo} | look)


def _chip(
    axes: Axes, x: float, y: float, text: str, color: str, width: float, filled: bool = False
) -> None:
    box = {"boxstyle": "round,pad=0,rounding_size=0.28", "linewidth": 1.1, "zorder": 4}
    face, ink = (color, "white") if filled else ("white", style.INK)
    corner = x - width / 2, y - 0.5
    axes.add_patch(FancyBboxPatch(corner, width, 1.0, facecolor=face, edgecolor=color, **box))
    axes.text(x, y, text, fontsize=8.0, color=ink, ha="center", va="center", zorder=5)


def _arrow(axes: Axes, start: tuple, end: tuple, color: str, width: float, **look: Any) -> None:
    arrow = {"arrowstyle": "-|>,head_width=0.22,head_length=0.4", "joinstyle": "miter"}
    arrow |= {"color": color, "linewidth": width, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", end, start, arrowprops=arrow | look, zorder=2)


def _lane(axes: Axes, color: str) -> None:
    corner, low, x0, x1 = 0.6, _LANE, _ERROR, _HIDDEN
    points = [
        (x0, _AXIS - 0.5), (x0, low + corner), (x0, low), (x0 - corner, low),
        (x1 + corner, low), (x1, low), (x1, low + corner), (x1, 2.1),
    ]  # fmt: skip
    codes = [Path.MOVETO, Path.LINETO, Path.CURVE3, Path.CURVE3, Path.LINETO]
    codes += [Path.CURVE3, Path.CURVE3, Path.LINETO]
    look = {"arrowstyle": "-|>,head_width=3.2,head_length=5.5", "color": color, "linewidth": 2.4}
    look |= {"fill": False, "joinstyle": "miter", "capstyle": "butt", "zorder": 2}
    axes.add_patch(FancyArrowPatch(path=Path(points, codes), **look))


def _angle(axes: Axes) -> None:
    """The plane of b and beta: with decay, what is left of beta is what b has put there."""
    axes.text(0.0, 9.2, "Weight alignment", fontsize=9.0, fontweight="bold")
    origin = (0.5, 2.0)
    ends = {"start": (0.9, 7.6), "end": (4.55, 4.9), "b": (5.35, 2.75)}
    blue, decayed = style.rule_color("fa"), style.l2_color(0.3)
    _arrow(axes, origin, ends["start"], style.RULE_COLORS["bp"], 1.8)
    _arrow(axes, origin, ends["b"], blue, 1.8)
    _arrow(axes, origin, ends["end"], decayed, 1.8)
    _label(axes, 1.25, 7.7, "$\\beta(0)$", ha="left")
    _label(axes, 4.6, 5.4, "$\\beta(t)$, $\\lambda > 0$", color=decayed)
    _label(axes, 5.35, 2.15, "$b$", color=blue)
    turns = [float(np.degrees(np.arctan2(*(np.array(e) - origin)[::-1]))) for e in ends.values()]
    arc = {"theta1": turns[2], "theta2": turns[1], "color": style.INK, "linewidth": 0.9}
    axes.add_patch(Arc(origin, 4.4, 4.4, **arc))
    _label(axes, 3.05, 2.95, "$\\theta$", bbox=None)
    bend = {"connectionstyle": "arc3,rad=-0.32", "linestyle": (0, (2, 1.5))}
    _arrow(axes, (1.35, 6.2), (3.2, 4.75), style.GUIDE, 1.0, **bend)
    axes.text(3.05, 0.65, "$\\cos\\theta=\\cos(\\beta, b)$", fontsize=8.5, ha="center")
    explanation = "decay forgets $\\beta(0)$;\nwhat follows points along $b$"
    look = {"fontsize": style.SMALL, "ha": "center", "va": "center", "linespacing": 1.35}
    axes.text(3.05, -1.05, explanation, **look)
