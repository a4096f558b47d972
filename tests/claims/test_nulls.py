"""What nulls do to what is read, and that checks which cannot fail are found."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from feedback_alignment.claims import Claim, ClaimsError, Part
from feedback_alignment.claims.declaration import Check
from feedback_alignment.claims.null_rates import LEVEL, null_rates
from feedback_alignment.claims.nulls import (
    apart,
    exponent_at,
    factor_at,
    gain_at,
    instead,
    mean_at,
    quantile_at,
    resampled,
    shuffled,
    tells_at,
    unrelated,
    untrained,
)
from feedback_alignment.claims.panel import read_panel, rows_of
from feedback_alignment.claims.published import agreement, joint_p
from feedback_alignment.claims.statistics import (
    auc,
    grand_mean,
    lowest_gain,
    lowest_mean,
    share_among,
    share_concordant,
    share_of_replicates,
    slope,
)
from feedback_alignment.published import PublishedPoint

ALL = Part()
LOSS = ALL.final("loss")
WIDTHS = [{"width": w} for w in (100, 400, 1600)]
RNG = np.random.default_rng(0)


def noise(replicate, *key):
    return np.random.default_rng([replicate, *key]).standard_normal()


@pytest.fixture
def wide(sweep):
    """Losses that fall with the width, as width^(-1/2)."""
    return sweep("loss", lambda k, width: width**-0.5 * np.exp(0.1 * noise(k, width)), WIDTHS, 20)


@pytest.fixture
def panel(wide):
    return read_panel(rows_of(wide), LOSS)


def test_labels_are_exchanged_within_a_replicate(panel):
    drawn = shuffled("width").draw(panel, RNG)
    assert np.array_equal(np.sort(drawn.values, axis=0), np.sort(panel.values, axis=0))
    assert not np.array_equal(drawn.values, panel.values)
    lone = read_panel_of_groups(panel)
    kept = shuffled("width").draw(lone, RNG)
    # Conditions that differ in another axis keep to their own.
    assert np.array_equal(np.sort(kept.values[:3], axis=0), np.sort(lone.values[:3], axis=0))


def read_panel_of_groups(panel):
    twice = tuple({**chosen, "eta": eta} for eta in (0.1, 0.2) for chosen in panel.conditions)
    values = np.concatenate([panel.values, 100 * panel.values])
    return replace(panel, conditions=twice, values=values, diverged=np.zeros(values.shape, bool))


def test_an_unrelated_quantity_is_that_of_any_run_or_of_one_at_the_same_setting(panel):
    drawn = unrelated().draw(panel, RNG).values
    assert np.array_equal(np.sort(drawn.ravel()), np.sort(panel.values.ravel()))
    assert not np.array_equal(np.sort(drawn, axis=0), np.sort(panel.values, axis=0))
    within = unrelated("width").draw(panel, RNG).values
    assert np.array_equal(np.sort(within, axis=1), np.sort(panel.values, axis=1))
    assert not np.array_equal(within, panel.values)


def test_edges_are_where_they_are_put(panel):
    assert mean_at(3).prepare(panel).values.mean(axis=1) == pytest.approx([3, 3, 3])
    geometric = np.exp(np.log(factor_at(0.2).prepare(panel).values).mean(axis=1))
    assert geometric == pytest.approx([0.2] * 3)
    law = exponent_at(-0.25, "width").prepare(panel)
    assert slope(LOSS, along="width").compute(law).value == pytest.approx(-0.25)
    spread = np.log(panel.values).std(axis=1, ddof=1)
    assert np.log(law.values).std(axis=1) == pytest.approx(spread)


@pytest.mark.parametrize("area", [0.25, 0.75])
def test_a_score_tells_what_passes_as_often_as_it_is_to(panel, area):
    size = 20_000
    stays = RNG.random((1, size)) < 0.3
    many = replace(
        panel,
        conditions=panel.conditions[:1],
        replicates=np.arange(size),
        values=np.where(np.arange(size) == 0, np.nan, 0.0)[None],
        diverged=np.zeros((1, size), bool),
        other=np.where(stays, 1.0, 9.0),
    )
    tells = LOSS < 2
    drawn = tells_at(area, tells).draw(many, RNG)
    assert np.isnan(drawn.values).sum() == 1
    assert auc(LOSS, tells=tells).compute(drawn).value == pytest.approx(area, abs=0.02)


def test_what_is_read_instead():
    reading = Part().where(case="trained", width=100).final("loss") / Part().where(
        case="trained", width=100
    ).at("half", "loss")
    start = untrained().reread(reading)
    assert (start.time, start.relative_to) == ("start", "start")
    other = instead(case="fresh").reread(reading)
    assert {c: f.plain() for c, f in other.where.items()} == {"case": "fresh", "width": 100}
    assert (other.quantity, other.time) == ("loss", "end")


def test_a_sample_keeps_the_conditions_of_a_replicate_together(panel):
    drawn = resampled(panel, 7, RNG)
    assert drawn.values.shape == (3, 7)
    columns = {tuple(column) for column in panel.values.T.tolist()}
    assert {tuple(column) for column in drawn.values.T.tolist()} <= columns


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: shuffled("widht"), 'unknown axis "widht"; did you mean "width"?'),
        (lambda: unrelated("widht"), 'unknown axis "widht"; did you mean "width"?'),
        (lambda: mean_at("0"), 'a mean must be a number, not "0"'),
        (lambda: factor_at(0), "a factor must be above 0, not 0"),
        (lambda: tells_at(1, LOSS < 2), "an area must be between 0 and 1, not 1"),
        (lambda: exponent_at(1, "rule"), 'unknown axis "rule"; '),
        (lambda: instead(cas="x"), 'unknown column "cas"; did you mean "case"?'),
        (lambda: apart(None), "a difference must be a number, not null"),
    ],
)
def test_a_mistake_is_one_line(make, message):
    with pytest.raises(ClaimsError, match=r"^[^\n]*$") as raised:
        make()
    assert message in str(raised.value)


def rates(table, comparison, null, nulls=None, published=None):
    check = Check("check", comparison.of, comparison.threshold, null)
    claim = Claim("a.claim", "P", "S.", "fig", (check,))
    own, other = {"fig": table}, {"fig": table if nulls is None else nulls}
    return null_rates([claim], own, other, published or {}, 400)


def test_a_check_that_looks_for_a_fall_seldom_passes_on_shuffled_widths(wide):
    (found,) = rates(wide, slope(LOSS, along="width") < -0.25, shuffled("width"))
    assert (found.size, found.population, found.reason) == (20, 20, "")
    assert found.share <= LEVEL + 2 * found.error
    assert not found.fails


@pytest.mark.parametrize(
    ("comparison", "null"),
    [
        (grand_mean(LOSS).within(-9, 9), mean_at(0.5)),
        (lowest_mean(LOSS) > 0, shuffled("width")),
        (share_of_replicates(LOSS < 9) > 0.5, untrained()),
    ],
    ids=["too wide", "not of the order", "true at the start"],
)
def test_a_check_that_cannot_fail_is_found(wide, comparison, null):
    start = wide.assign(step=0)
    table = type(wide)(np.concatenate([wide, start]), columns=wide.columns).astype(wide.dtypes)
    (found,) = rates(table, comparison, null)
    assert found.share == 1
    assert found.fails


@pytest.mark.parametrize("edge", [-0.25, -0.75])
def test_an_equivalence_passes_at_its_margin_no_more_often_than_it_says(wide, edge):
    found = rates(wide, slope(LOSS, along="width").within(-0.75, -0.25), exponent_at(edge, "width"))
    assert 0 < found[0].share <= LEVEL


def angles(sign):
    """Two quantities of runs at two angles; within one, the first tells the second by its sign."""

    def metrics(replicate, angle):
        stays = (replicate % 2 == 0) if angle == 50.0 else angle < 50
        r = (0.1 if stays else -0.1) * sign + 0.01 * noise(replicate, int(angle))
        return {"stability_ratio": {0: r}, "loss_rise": 1.0 if stays else 9.0}

    return metrics


def test_what_a_setting_tells_is_no_part_of_a_check_within_it(make_run, make_table):
    rows = [
        row
        for replicate in range(20)
        for angle in (0.0, 50.0, 90.0)
        for row in make_run(
            replicate, angles(1)(replicate, angle), tie_step=0, tie_angle=angle, steps=100
        )
    ]
    table = make_table(rows)
    r, rise = ALL.at("start", "stability_ratio"), ALL.final("loss_rise")
    concordant = share_concordant(r >= 0, rise < 2) >= 0.8
    (any_run,) = rates(table, concordant, unrelated())
    (at_angle,) = rates(table, concordant, unrelated("tie_angle"))
    # The angle alone makes two thirds of the runs agree.
    assert any_run.share < at_angle.share
    (within,) = rates(
        table, auc(r, tells=rise < 2, within="tie_angle") >= 0.75, unrelated("tie_angle")
    )
    assert not within.fails


def test_the_null_may_be_conditions_that_only_another_config_runs(sweep):
    def loss(replicate, case, **_):
        return 1.0 + (case == "trained") + 0.1 * noise(replicate)

    own = sweep("loss", loss, [{"case": "trained"}], 8)
    both = sweep("loss", loss, [{"case": "trained"}, {"case": "fresh", "freeze_step": 0}], 50)
    comparison = lowest_mean(ALL.where(case="trained").final("loss")) > 1.5
    (found,) = rates(own, comparison, instead(case="fresh"), both)
    assert (found.size, found.population, found.share) == (8, 50, 0)
    (found,) = rates(own, comparison, instead(case="fresh"))
    assert (found.share, found.reason) == (None, "no condition of the config matches")
    assert not found.fails


@pytest.mark.parametrize(("spread", "log"), [(0.02, False), (0.05, True)])
def test_means_at_the_margin_of_published_ones_seldom_agree(sweep, spread, log):
    made = sweep("loss", lambda k, width: 0.5 * np.exp(spread * noise(k, width)), WIDTHS, 12)
    points = tuple(PublishedPoint(w, "loss", "", None, 0.5, 0.02, 50) for w in WIDTHS)
    margin = 0.05
    agrees = agreement(LOSS, "made", margin=margin, log=log) >= 5 / 6
    (found,) = rates(made, agrees, apart(margin), published={"made": points})
    assert found.share <= LEVEL
    (near,) = rates(made, agrees, apart(0.0), published={"made": points})
    assert near.share > 0.5
    if not log:
        (joint,) = rates(
            made, joint_p(LOSS, "made") >= 0.01, apart(margin), published={"made": points}
        )
        assert joint.share <= LEVEL


def test_beside_published_values_a_null_needs_a_replicate_at_each(make_run, make_table):
    gone = {"status": "diverged", "end_step": 7}
    rows = [
        row
        for width, replicate in product((100, 400), range(8))
        for row in make_run(replicate, {"loss": 0.5}, width=width, **(gone if width > 100 else {}))
    ]
    points = [PublishedPoint({"width": w}, "loss", "", None, 0.5, 0.02, 50) for w in (100, 400)]
    agrees = agreement(LOSS, "made", margin=0.05) >= 5 / 6
    (found,) = rates(make_table(rows), agrees, apart(0.05), published={"made": points})
    assert (found.share, found.reason) == (None, "no replicate is left")


def test_a_gain_of_nothing_is_seldom_a_gain(sweep):
    cases = [{"l2": l2} for l2 in (0.0, 0.1, 0.3)]
    made = sweep("loss", lambda k, l2: 1 + l2 + 0.1 * noise(k, int(10 * l2)), cases, 8)
    (found,) = rates(made, lowest_gain(LOSS, along="l2", start=0) > 0, shuffled("l2"))
    assert found.share <= LEVEL + 2 * found.error


def test_a_share_of_the_replicates_falls_below_an_edge(panel):
    low = quantile_at(1, 0.1).prepare(panel).values < 1
    assert low.mean(axis=1) == pytest.approx([0.1] * 3)


def test_a_gain_is_put_where_the_margin_is(sweep):
    made = sweep(
        "loss", lambda k, l2: l2 + 0.1 * noise(k, int(10 * l2)), [{"l2": 0.0}, {"l2": 0.3}]
    )
    gain = lowest_gain(LOSS, along="l2", start=0, end=0.3)
    moved = gain_at(0.05, "l2", start=0, end=0.3).prepare(read_panel(rows_of(made), LOSS))
    assert gain.compute(moved).value == pytest.approx(0.05)


def test_deviations_are_as_wide_as_those_of_the_population(panel):
    spread = mean_at(0).prepare(panel).values.var(axis=1)
    assert spread == pytest.approx(panel.values.var(axis=1, ddof=1))


def test_a_null_without_anything_to_judge_is_not_run(make_run, make_table):
    rows = [r for k in range(8) for r in make_run(k, {"loss": 1.0 + (k > 6), "accuracy": 0.9})]
    none = share_among(ALL.final("accuracy") > 0.5, given=ALL.final("loss") > 5) > 0.5
    (found,) = rates(make_table(rows), none, unrelated())
    assert (found.share, found.reason) == (None, "most samples of the null have nothing to judge")


@pytest.mark.parametrize("smooth", ["values", "logarithms"])
def test_smoothed_samples_have_the_covariance_of_the_replicates(panel, smooth):
    drawn = resampled(panel, 200_000, np.random.default_rng(1), smooth).values
    of = np.log if smooth == "logarithms" else np.asarray
    expected = np.cov(of(panel.values), ddof=0)
    assert np.cov(of(drawn)) == pytest.approx(expected, rel=0.05, abs=0.02 * expected.max())
    assert of(drawn).mean(axis=1) == pytest.approx(of(panel.values).mean(axis=1), rel=0.01)
    # Not one of the few values that there are.
    assert len(np.unique(drawn[0])) > 1000
