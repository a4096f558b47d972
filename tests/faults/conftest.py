"""An undisturbed run, made once, and projects to disturb."""

import pytest
from faults import TINY
from project import Project


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory) -> Project:
    """The tiny config, built without any fault; to be read only."""
    return Project.built(tmp_path_factory, "undisturbed", TINY)


@pytest.fixture
def fresh(tmp_path) -> Project:
    """The project before its first run."""
    return Project.create(tmp_path / "project", TINY)


@pytest.fixture
def copy(undisturbed, tmp_path) -> Project:
    """A copy of the finished project."""
    return undisturbed.copy(tmp_path / "project")
