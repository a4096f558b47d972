import importlib.util
from functools import cache
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location(
    "fake_tables", Path(__file__).with_name("fake_tables.py")
)
_fakes = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_fakes)

KINDS = {
    "full": {},
    "one_replicate": {"replicates": 1},
    "some_diverged": {"diverges": lambda cell, replicate: replicate == 0 or cell["l2"] == 1.0},
    "all_diverged": {"replicates": 2, "diverges": lambda cell, replicate: True},
}


@cache
def _table(figure, kind="full"):
    return _fakes.figure_table(figure, **KINDS[kind])


@pytest.fixture(scope="session")
def fakes():
    """The module that makes tables."""
    return _fakes


@pytest.fixture(scope="session")
def table_of():
    """A table by figure and kind; the tables are shared, so tests must not change them."""
    return _table
