"""The claims but those beside published values, where they hold and where they do not."""

from dataclasses import replace
from functools import cache, cached_property

import deep_figures
import numpy as np
import pandas as pd
import pytest
import shallow_figures

from feedback_alignment.claims import judge, load_claims
from feedback_alignment.claims.null_rates import null_rates
from feedback_alignment.claims.panel import rows_of
from feedback_alignment.claims.published import Published

BOTH = (shallow_figures, deep_figures)


class Judged:
    """The claims that a module has tables for, judged on these; each once.

    Args:
        module: the numbers and figures.
        figure_tables: makes tables of them.
    """

    def __init__(self, module, figure_tables):
        self.module = module
        self.figures = figure_tables(module.TRUTH, module.FIGURES, module.REPLICATES)
        self.claims = [claim for claim in load_claims() if claim.id in module.PAPERS]
        self.changed = cache(self.changed)

    @cached_property
    def truth(self):
        return self.figures()

    @cached_property
    def held(self):
        return judge(self.claims, self.truth)

    def changed(self, number, value, figure):
        """Verdicts with one number changed, of the checks that look at what the number changes."""
        table = self.figures(figure, **{number: value})[figure]
        other = table["condition"][table["value"] != self.truth[figure]["value"]]
        rows = rows_of(table).keep(set(other))
        reached = [
            replace(claim, checks=checks)
            for claim in self.claims
            if claim.figure == figure
            and (
                checks := tuple(c for c in claim.checks if rows.passing(c.statistic.reading.where))
            )
        ]
        return judge(reached, {figure: table})

    def refuting(self, number, value, refuted):
        (figure,) = {claim.figure for claim in self.claims if claim.id in refuted}
        return self.changed(number, value, figure)


@pytest.fixture(scope="session")
def both(figure_tables):
    return {module: Judged(module, figure_tables) for module in BOTH}


@pytest.fixture(params=BOTH, ids=lambda module: module.__name__)
def made(request, both):
    return both[request.param]


def cases(names, listed):
    """Runs a test for what each module lists."""
    given = [(module, *case) for module in BOTH for case in listed(module)]
    return pytest.mark.parametrize(("made", *names), given, indirect=["made"])


def only(module):
    return pytest.mark.parametrize("made", [module], indirect=True)


def test_claims_and_whose_they_are(made):
    assert {claim.id: claim.paper for claim in made.claims} == made.module.PAPERS
    assert {claim.figure for claim in made.claims} == set(made.module.FIGURES)


def test_every_claim_is_tested_here_or_beside():
    tested = {name for module in BOTH for name in module.PAPERS}
    left = [claim for claim in load_claims() if claim.id not in tested]
    assert all(isinstance(claim.checks[0].statistic, Published) for claim in left)


def test_everything_holds_where_it_should(made):
    wrong = [
        (claim.id, check.name, check.estimate, check.reason)
        for claim in made.held
        for check in claim.checks
        if check.verdict != "replicated"
    ]
    assert wrong == []
    assert sum(len(claim.checks) for claim in made.held) == made.module.CHECKS


@cases(["number", "value", "refuted"], lambda module: module.REFUTED)
def test_each_claim_can_be_refuted(made, number, value, refuted):
    found = {claim.id: claim.verdict for claim in made.refuting(number, value, refuted)}
    assert {name for name, verdict in found.items() if verdict != "replicated"} == set(refuted)
    assert all(found[name] == "not replicated" for name in refuted)


def test_every_check_can_be_refuted(made):
    """By one number alone: each change is made by itself."""
    found = {
        (claim.id, check.name)
        for case in made.module.REFUTED
        for claim in made.refuting(*case)
        for check in claim.checks
        if check.verdict == "not replicated"
    }
    assert found == {(claim.id, check.name) for claim in made.held for check in claim.checks}


def test_two_replicates_decide_nothing(made):
    verdicts = judge(made.claims, made.figures(replicates=range(2)))
    assert {claim.verdict for claim in verdicts} == {"inconclusive"}


def test_absent_figures_are_not_run(made):
    figure = made.claims[-1].figure
    verdicts = judge(made.claims, {figure: made.truth[figure]})
    assert {claim.figure for claim in verdicts if claim.verdict == "replicated"} == {figure}
    assert {claim.verdict for claim in verdicts if claim.figure != figure} == {"not run"}


@cases(["column"], lambda module: [(column,) for column in module.COLUMNS])
def test_a_config_with_one_value_of_an_axis_crashes_nothing(made, column):
    # A figure whose tables hold one value already stays as it is.
    several = {f: t for f, t in made.truth.items() if t[column].nunique(dropna=False) > 1}
    assert several
    chosen = [claim for claim in made.claims if claim.figure in several]
    for pick in (0, -1):
        tables = {}
        for figure, table in several.items():
            values = table[column].drop_duplicates().sort_values(na_position="last")
            value = values.iloc[pick]
            kept = table[column].isna() if values.isna().iloc[pick] else table[column] == value
            tables[figure] = table[kept.fillna(False).astype(bool)]
        for claim in judge(chosen, tables):
            for check in claim.checks:
                # The correlation is of what is left.
                assert check.verdict != "not replicated" or check.statistic == "correlation"
                if made.module is shallow_figures:
                    assert check.verdict == "replicated" or check.reason


def test_no_check_passes_on_its_null(made):
    rates = null_rates(made.claims, made.truth, made.truth, {}, 100)
    assert [(r.claim, r.check, r.share) for r in rates if r.fails] == []
    assert {(r.claim, r.null) for r in rates if r.share is None} == made.module.ELSEWHERE
    assert len(rates) == made.module.CHECKS


@only(shallow_figures)
def test_estimates_are_the_numbers_of_the_tables(made):
    estimates = {(c.id, k.statistic, k.part): k.estimate for c in made.held for k in c.checks}
    assert estimates["ours.no_reg_law", "slope", ""] == pytest.approx(-0.5, abs=0.01)
    assert estimates["ours.align_time", "grand_mean", ""] == pytest.approx(0.3, rel=0.02)


@only(shallow_figures)
def test_one_failing_replicate_of_thirty_leaves_the_convergence_open(made):
    tables = made.figures("song_convergence")
    table = tables["song_convergence"]
    slow = (table["metric"] == "decay_rate") & (table["activation"] == "relu")
    table.loc[slow & (table["replicate"] == 3), "value"] = 0.9
    (verdict,) = judge([claim for claim in made.claims if claim.id == "song.convergence"], tables)
    (broken,) = (check for check in verdict.checks if check.verdict != "replicated")
    assert len(verdict.checks) == 9
    assert (verdict.verdict, broken.part) == ("inconclusive", "relu")
    assert broken.estimate == pytest.approx(29 / 30)


@only(shallow_figures)
def test_another_activation_gets_its_verdicts(made):
    tables = {}
    for figure, table in made.truth.items():
        erf = table[table["activation"] == "tanh"].assign(activation="erf")
        erf["condition"] = erf["condition"] + "-erf"
        tables[figure] = pd.concat([table, erf], ignore_index=True)
    after = judge(made.claims, tables)
    for old, new in zip(made.held, after, strict=True):
        assert [check for check in new.checks if check.part != "erf"] == list(old.checks)
    assert sum(check.part == "erf" for claim in after for check in claim.checks) == 26


@only(deep_figures)
@pytest.mark.parametrize(
    ("leaving", "verdict"), [(1, "inconclusive"), (8, "inconclusive"), (9, "not replicated")]
)
def test_nearly_always_leaves_no_replicate_of_twenty(made, leaving, verdict):
    table = made.truth["chu_stability"]
    table = table[table["replicate"] < 20].copy()
    chosen = (table["width"] == 128) & (table["metric"] == "loss_rise")
    table.loc[chosen & (table["replicate"] < leaving), "value"] = 1e6
    (found,) = judge(
        [c for c in made.claims if c.id == "chu.wide_stability"], {"chu_stability": table}
    )
    assert [check.verdict for check in found.checks] == [verdict, *["replicated"] * 3]


@only(deep_figures)
def test_diverged_runs_leave_the_minimum(made):
    """What diverges after the switch counts as left, and its spectrum at the switch is read."""
    (before,) = (claim for claim in made.held if claim.id == "chu.stability")
    table = made.truth["chu_stability"].copy()
    gone = table["replicate"].isin([1, 2, 3]) & (table["switch_step"] == 300).fillna(False)
    gone &= (table["tie_angle"] >= 80) | (table["case"] == "bp_random")
    assert gone.any()
    table.loc[gone, ["status", "end_step"]] = ["diverged", 900]
    table.loc[gone & ((table["step"] == 1000) | (table["metric"] == "loss_rise")), "value"] = np.nan
    (after,) = judge([c for c in made.claims if c.id == "chu.stability"], {"chu_stability": table})
    for old, new in zip(before.checks, after.checks, strict=True):
        assert (new.verdict, new.estimate, new.n) == (old.verdict, old.estimate, old.n)
