"""An undisturbed run, made once, and projects to disturb."""

import shutil

import pytest
from faults import TINY
from project import Project


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory) -> Project:
    """The tiny config, built without any fault."""
    project = Project.create(tmp_path_factory.mktemp("undisturbed") / "project", TINY)
    project.run()
    return project


@pytest.fixture
def fresh(tmp_path) -> Project:
    """The project before its first run."""
    return Project.create(tmp_path / "project", TINY)


@pytest.fixture
def copy(undisturbed, tmp_path) -> Project:
    """A copy of the finished project, file times kept."""
    shutil.copytree(undisturbed.folder, tmp_path / "project")
    return Project(tmp_path / "project")
