"""What all tests share: no deadline on a busy machine, and the longest one first."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_collection_modifyitems(items):
    # Where it came last, the other workers would wait for it.
    items.sort(key=lambda item: item.name != "test_smoke_run")
