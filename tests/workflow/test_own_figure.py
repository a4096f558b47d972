"""From an empty notebook to a figure on the page, as docs/adding_a_figure.md says, and mistakes."""

import json
import re

import nbformat
import pytest
from project import ROOT, TINY

BLOCKS = re.findall(
    r"```python\n(.*?)```",
    (ROOT / "docs/adding_a_figure.md").read_text(encoding="utf-8"),
    flags=re.DOTALL,
)
TAGS = ("parameters",)
MINE = TINY.replace("[song_alignment_width, song_loss]", "[song_loss, mine]")


def write(project, *cells, tags=TAGS):
    first, *others = [nbformat.v4.new_code_cell(cell) for cell in cells]
    first.metadata["tags"] = list(tags)
    nbformat.write(
        nbformat.v4.new_notebook(cells=[first, *others]), project.folder / "notebooks/mine.ipynb"
    )
    project.configure(MINE)


def test_the_simplest_notebook_becomes_a_figure_on_the_page(copy):
    write(copy, *BLOCKS[:2])
    (copy.folder / "workflow/report/mine.rst").write_text("What I found. It is flat.\n")
    copy.run()
    assert "What I found." in (copy.results / "index.html").read_text(encoding="utf-8")
    saved = sorted((copy.results / "figures").glob("mine.*"))
    before = [path.read_bytes() for path in saved]
    assert len(before) == 3
    saved[0].unlink()
    copy.run("mine")
    assert [path.read_bytes() for path in saved] == before


MISTAKES = {
    "no parameters": (
        (["print(1)"], ()),
        "notebooks/mine.ipynb: no cell sets parameters; the first code cell needs the tag "
        "parameters, and must set figure, tables, out (docs/adding_a_figure.md)",
    ),
    "a parameter less": (
        (["figure, tables = '', []"], TAGS),
        "notebooks/mine.ipynb: no cell sets parameters",
    ),
    "saved elsewhere": (
        ([BLOCKS[0], "import seaborn as sns\nsns.mpl.pyplot.savefig(f'{out}/mine.png')"], TAGS),
        "notebooks/mine.ipynb: it ran, but saved no results/tiny/figures/mine.svg, "
        "results/tiny/figures/mine.pdf; it must save {out}/{figure}.svg, .pdf and .png",
    ),
    "a cell that fails": (
        ([BLOCKS[0], "1 / 0"], TAGS),
        "notebooks/mine.ipynb, cell [2]: ZeroDivisionError: division by zero",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_notebook_is_one_line_that_helps(mistake, copy):
    (cells, tags), message = MISTAKES[mistake]
    write(copy, *cells, tags=tags)
    done = copy.snakemake("--cores", "1", "mine")
    assert done.returncode == 1
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert said.startswith(f"error: {message}")
    assert "Traceback" not in done.stdout + done.stderr


def test_an_empty_notebook_is_told_what_it_needs(copy):
    empty = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (copy.folder / "notebooks/mine.ipynb").write_text(json.dumps(empty))
    copy.configure(MINE)
    done = copy.snakemake("--cores", "1", "mine")
    assert "error: notebooks/mine.ipynb: no cell sets parameters; the first" in done.stderr
