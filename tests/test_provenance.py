"""The record of a run: versions, settings, statuses and digests."""

import numpy as np
import pandas as pd

from feedback_alignment.provenance import count_statuses, environment, summarise_settings


def test_environment_has_the_installed_version_of_each_locked_package():
    versions = environment("# comment\nnumpy==0.1\nno-such-package==1.0\n")
    assert versions["numpy"] == np.__version__
    assert versions["no-such-package"] == "not installed"
    assert versions["python"].startswith("3.")
    assert versions["processor"]


def test_settings_are_fixed_or_varied():
    conditions = [{"rule": "fa", "width": w, "l2": l2} for w in (10, 20) for l2 in (0.0, 1.0)]
    assert summarise_settings(conditions) == {
        "conditions": 4,
        "fixed": {"rule": "fa"},
        "varied": {"width": [10, 20], "l2": [0.0, 1.0]},
    }


def test_statuses_are_counted_by_run_not_by_row():
    table = pd.DataFrame(
        {
            "condition": ["a", "a", "a", "b", "b"],
            "replicate": [0, 0, 1, 0, 1],
            "status": ["ok", "ok", "diverged", "settled", "ok"],
        }
    )
    assert count_statuses(table) == {"ok": 2, "settled": 1, "unsettled": 0, "diverged": 1}
