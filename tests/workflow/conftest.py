"""A small project that is built once, and copies of it that tests may change."""

import shutil

import pytest
from project import Project


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Project:
    """The tiny config, built by a bare `snakemake --cores 2`. Copy it before changing it."""
    project = Project.create(tmp_path_factory.mktemp("built") / "project")
    project.run()
    return project


@pytest.fixture
def copy(built, tmp_path) -> Project:
    """A copy of the built project that a test may change, file times kept."""
    shutil.copytree(built.folder, tmp_path / "project")
    return Project(tmp_path / "project")
