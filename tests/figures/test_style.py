"""Colours that mean one thing, files that repeat, and no trace left in matplotlib."""

import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from feedback_alignment import figures
from feedback_alignment.figures import Quantity, facets, style


def drawn(table):
    y = [Quantity("loss", "loss", log=True), Quantity("weight_alignment", "cos")]
    return facets(table, y, x="step", col="activation", row=None, by=["width"], hue="l2").figure


LAMBDAS = (1e-3, 1e-2, 0.1, 0.3, 1.0, 3.0)
# Linear-light simulation of a dichromat's view (Vienot, Brettel, Mollon 1999).
VIEWS = {
    "normal": np.eye(3),
    "protan": np.array([[0.1124, 0.8876, 0], [0.1124, 0.8876, 0], [0.004, -0.004, 1]]),
    "deutan": np.array([[0.2928, 0.7072, 0], [0.2928, 0.7072, 0], [-0.0223, 0.0223, 1]]),
}


def lab(color, view):
    """CIE L*a*b* of a colour as seen."""
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(VIEWS[view] @ linear, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(to_xyz) @ linear / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("view", VIEWS)
def test_colours_stay_apart_for_every_eye(view):
    colors = [style.rule_color(r) for r in ("bp", "fa", "dfa")] + [
        style.l2_color(x) for x in LAMBDAS[1:]
    ]
    seen = [lab(color, view) for color in colors]
    for i, one in enumerate(seen):
        for j, other in enumerate(seen[:i]):
            assert np.linalg.norm(one - other) > 10, (colors[i], colors[j])


def test_lambda_goes_from_light_to_dark():
    lightness = [lab(style.l2_color(x), "normal")[0] for x in LAMBDAS]
    assert (np.diff(lightness) < -5).all()
    assert lab(style.l2_color(1e-9), "normal")[0] < 90  # still seen on white


def test_no_decay_is_the_rule_itself():
    assert style.l2_color(0.0) == style.rule_color("fa") == style.method_color("fa", 0.0)
    assert style.method_color("bp", 0.3) == style.rule_color("bp")


def test_an_unknown_rule_keeps_its_colour():
    assert style.rule_color("mine") == style.rule_color("mine")
    assert style.rule_color("mine") not in style.RULE_COLORS.values()


@pytest.mark.parametrize(
    ("number", "text"),
    [(200, "200"), (12800, "12\u2009800"), (1e6, "$10^{6}$"), (200000, "200\u2009000")],
)
def test_counts_are_readable(number, text):
    assert style.count(number) == text


def test_saving_twice_gives_the_same_bytes_and_nothing_else(table_of, tmp_path):
    table = table_of("song_loss", "full")
    saved = []
    for folder in ("one", "two"):
        paths = figures.save(drawn(table), tmp_path / folder, "f")
        saved.append([path.read_bytes() for path in paths])
        assert sorted(p.name for p in (tmp_path / folder).iterdir()) == ["f.pdf", "f.png", "f.svg"]
    assert saved[0] == saved[1]
    svg, pdf, png = saved[0]
    assert b"<dc:date>" not in svg
    assert b"<text" not in svg
    assert b"CreationDate" not in pdf
    assert b"/Type3" not in pdf
    assert int.from_bytes(png[16:20]) == pytest.approx(style.TEXT * 200)


def test_only_the_font_that_matplotlib_brings_is_used(table_of):
    from matplotlib import font_manager

    with style.context():
        for weight in ("normal", "bold"):
            found = font_manager.findfont(font_manager.FontProperties(weight=weight))
            assert found.startswith(matplotlib.get_data_path())


def test_a_failed_save_leaves_the_old_file(tmp_path):
    class Broken(Figure):
        def savefig(self, path, **_):
            path.write_bytes(b"half")
            raise RuntimeError("disk full")

    (tmp_path / "f.svg").write_bytes(b"old")
    with pytest.raises(RuntimeError):
        figures.save(Broken(), tmp_path, "f")
    assert [p.name for p in tmp_path.iterdir()] == ["f.svg"]
    assert (tmp_path / "f.svg").read_bytes() == b"old"


def test_neither_the_readers_settings_nor_ours_leak(table_of, tmp_path):
    table = table_of("song_loss", "full")
    plain = figures.save(drawn(table), tmp_path / "plain", "f")
    with matplotlib.rc_context({"lines.linewidth": 9, "font.size": 20, "axes.grid": False}):
        before = dict(matplotlib.rcParams)
        odd = figures.save(drawn(table), tmp_path / "odd", "f")
        assert dict(matplotlib.rcParams) == before
    assert [p.read_bytes() for p in odd] == [p.read_bytes() for p in plain]


def test_importing_is_cheap():
    code = (
        "import sys, feedback_alignment.page.page, feedback_alignment.notebooks; "
        "print({'matplotlib', 'pandas', 'seaborn', 'jinja2', 'papermill'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
