import importlib.util
from functools import cache
from pathlib import Path

import pytest


@cache
def _fakes():
    path = Path(__file__).with_name("fake_tables.py")
    spec = importlib.util.spec_from_file_location("fake_tables", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def some_diverge(cell, replicate):
    """Two runs at the largest lambda, all replicates of decayed tanh, one replicate elsewhere."""
    return (
        (cell["l2"] == 1.0 and replicate < 2)
        or (cell["l2"] > 0 and cell["activation"] == "tanh")
        or (cell["width"] == 200 and replicate == 0)
    )


def all_diverge(cell, replicate):
    return True


_KINDS = {
    "full": {},
    "tiny": {"replicates": 2, "steps": 30, "widths": (16, 32)},
    "one_replicate": {"replicates": 1},
    "some_diverged": {"replicates": 4, "status": some_diverge},
    "all_diverged": {"replicates": 2, "status": all_diverge},
}


@cache
def _table(figure, kind):
    fakes = _fakes()
    options = dict(_KINDS[kind])
    replicates = options.setdefault("replicates", 5)
    if figure == "song_convergence":
        return fakes.convergence(**options)
    if figure in ("song_alignment_width", "song_trajectories"):
        options.setdefault("widths", (100, 200, 800))
        return fakes.width(**options)
    if figure == "song_cutoff":
        options.pop("widths", None)
        return fakes.cutoff(**options)
    if figure == "song_extreme_width":
        options.setdefault("widths", (100, 10**4, 10**6, 10**8))
        options["l2s"] = (0.0, 1.0, 3.0)
        return fakes.extreme_width(**options)
    return fakes.kernels(replicates=replicates, widths=options.get("widths", (100, 400, 1600)))


@pytest.fixture(scope="session")
def fakes():
    """The module that makes tables."""
    return _fakes()


@pytest.fixture(scope="session")
def table_of():
    """A table by figure and kind; the tables are shared, so tests must not change them."""
    return _table
