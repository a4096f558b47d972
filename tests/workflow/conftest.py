"""A small project that is built once, and copies of it that tests may change."""

import pytest
from project import Project


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Project:
    """The tiny config, built by a bare `snakemake --cores 2`; to be read only."""
    return Project.built(tmp_path_factory, "built")


@pytest.fixture
def copy(built, tmp_path) -> Project:
    """A copy of the built project that a test may change."""
    return built.copy(tmp_path / "project")
