"""The project's own files: a mistake that training would come before is one line, and early."""

import shutil
from pathlib import Path

import pytest

from feedback_alignment.errors import InputError
from feedback_alignment.project import read_project

ROOT = Path(__file__).parents[1]
SEEDS, CAPTION = "resources/seeds.csv", "workflow/report/song_loss.rst"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The files that are read beside the code, to be changed; the working directory."""
    for folder in ("config", "notebooks", "resources", "workflow/report"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# A file, what is done to it, and the message.
BROKEN = {
    "no seeds": (SEEDS, lambda text: None, "there is no such file"),
    "other columns": (
        SEEDS,
        lambda text: text.replace("verdict_1", "verdict_one"),
        "is not a table of make seeds; restore it, or leave one line in it: claims,claim,verdict_1",
    ),
    "a short row": (
        SEEDS,
        lambda text: text.replace(",replicated\n", "\n", 1),
        "line 2: has 6 cells, but 7 columns",
    ),
    "seeds that are no UTF-8": (SEEDS, lambda text: b"\xff", "cannot be read: 'utf-8' codec can't"),
    "seeds in a folder": (SEEDS, lambda text: Path(), "cannot be read: [Errno 21] Is a directory"),
    "an empty caption": (
        CAPTION,
        lambda text: "\n",
        "the file is empty; its first line is the title of the figure",
    ),
    "a caption that is no UTF-8": (CAPTION, lambda text: b"\xff", "cannot be read: 'utf-8' codec"),
    "a caption in a folder": (CAPTION, lambda text: Path(), "cannot be read: [Errno 21] Is a dir"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_only_the_page_shows_is_refused_in_one_line_that_names_it(name, project):
    file, change, message = BROKEN[name]
    path = project / file
    new = change(path.read_text())
    path.unlink()
    if isinstance(new, Path):
        path.mkdir()
    elif new is not None:
        path.write_bytes(new if isinstance(new, bytes) else new.encode())
    with pytest.raises(InputError) as caught:
        read_project(project)
    assert str(caught.value).startswith(f"{file}: {message}")
    assert "\n" not in str(caught.value)


def test_a_table_of_seeds_without_rows_lets_make_seeds_begin(project):
    path = project / SEEDS
    path.write_text(path.read_text().partition("\n")[0] + "\n")
    assert read_project(project).name == "laptop"


def test_a_figure_needs_no_caption(project):
    (project / CAPTION).unlink()
    assert "song_loss" in read_project(project).figures


@pytest.mark.parametrize(
    ("name", "noted"),
    [
        # Of a config elsewhere, perhaps.
        ("of_my_own", False),
        ("song_los_linear", True),
        # Of another config in the folder, which the one that is run has not.
        ("song_mnist", False),
    ],
)
def test_an_experiment_that_is_misspelt_in_the_sources_is_noted(name, noted, project):
    path = project / "config/sources.yaml"
    path.write_text(
        path.read_text().replace("experiments: [song_printed_steps]", f"experiments: [{name}]", 1)
    )
    (project / "config/half_written.yaml").write_text("experiments: [")
    line = (
        'config/sources.yaml: sources[1].experiments[0]: unknown experiment "song_los_linear"; '
        'did you mean "song_loss_linear"?'
    )
    assert read_project(project).notes == ((line,) if noted else ())


def test_an_experiment_of_the_config_that_is_run_is_known_wherever_the_config_lies(project):
    path = project / "config/sources.yaml"
    path.write_text(path.read_text().replace("[song_printed_steps]", "[song_los_linear]", 1))
    config = project / "mine.yaml"
    config.write_text("name: mine\nexperiments: {song_los_linear: {include: [{width: 20}]}}\n")
    assert read_project(project, [config]).notes == ()
