import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, spearmanr, t

from feedback_alignment.claims import Part, Threshold, statistics
from feedback_alignment.claims.errors import NotRunError
from feedback_alignment.claims.filters import AXES
from feedback_alignment.claims.panel import Panel
from feedback_alignment.claims.threshold import Comparison, at_least

WIDTHS = (100, 400, 1600)
LAMBDAS = (0.1, 0.3, 1.0)


def panel(values, conditions, other=None):
    values = np.array(values, dtype=float)
    filled = [
        {
            **dict.fromkeys(AXES, "same"),
            "l2": 0.0,
            "schedule": "constant" if chosen.get("l2") else "none",
            "cutoff_step": None,
            **chosen,
        }
        for chosen in conditions
    ]
    return Panel(
        "made",
        tuple(filled),
        np.arange(values.shape[1]),
        values,
        values if other is None else np.array(other, dtype=float),
        np.zeros(values.shape, dtype=bool),
    )


LOSS = Part().final("loss")


def computed(name, *given, **arguments):
    """What a statistic computes of the panel that these values make."""
    made = panel(*given)
    if name in ("correlation", "share_concordant"):
        two = arguments.pop("two", (LOSS, LOSS))
        return getattr(statistics, name)(*two, **arguments).compute(made)
    return getattr(statistics, name)(arguments.pop("of", LOSS), **arguments).compute(made)


def estimate(name, *given, **arguments):
    return computed(name, *given, **arguments).value


over_widths = [{"width": w} for w in WIDTHS]
over_lambdas = [{"l2": l2} for l2 in (0.0, *LAMBDAS)]
finite = st.floats(0.1, 10)


def test_means_over_conditions():
    values = [[1, 3], [4, 8], [0, 1]]
    assert estimate("lowest_mean", values, over_widths) == 0.5
    assert estimate("highest_mean", values, over_widths) == 6
    assert estimate("grand_mean", values, over_widths) == pytest.approx(17 / 6)


@pytest.mark.parametrize("average", ["mean", "rms", "geometric"])
@given(exponent=st.floats(-2, 2), scales=st.lists(finite, min_size=2, max_size=5))
@settings(max_examples=25, deadline=None)
def test_slope_finds_the_exponent_of_a_power_law(average, exponent, scales):
    values = [[scale * w**exponent for scale in scales] for w in WIDTHS]
    found = estimate("slope", values, over_widths, along="width", average=average)
    assert found == pytest.approx(exponent, abs=1e-9)


def test_slope_averages_before_the_logarithm():
    values = [[1, 3], [4, 4], [2, 6]]
    x = np.log(WIDTHS)

    def fitted(y):
        return np.polyfit(x, y, 1)[0]

    mean = estimate("slope", values, over_widths, along="width", average="mean")
    assert mean == pytest.approx(fitted(np.log([2, 4, 4])))
    rms = estimate("slope", values, over_widths, along="width", average="rms")
    assert rms == pytest.approx(fitted(np.log(np.sqrt([5, 16, 20]))))
    geometric = estimate("slope", values, over_widths, along="width", average="geometric")
    assert geometric == pytest.approx(fitted(np.log(values).mean(axis=1)))


def test_slope_by_rms_ignores_signs():
    values = [[-4.0, 4.0], [2.0, -2.0], [1.0, 1.0]]
    assert estimate("slope", values, over_widths, along="width", average="rms") == pytest.approx(
        -0.5
    )


@given(finite, finite)
@settings(max_examples=25, deadline=None)
def test_slope_is_shared_while_every_group_has_its_intercept(one, other):
    conditions = [{"width": w, "eta": eta} for eta in (1, 2) for w in WIDTHS]
    scales = {1: one, 2: other}
    values = [[scales[c["eta"]] * c["width"] ** -0.5] for c in conditions]
    found = estimate("slope", values, conditions, along="width", average="mean")
    assert found == pytest.approx(-0.5)


def test_slope_of_uneven_groups_against_dummy_regression():
    conditions = [{"width": w, "eta": 1} for w in WIDTHS] + [
        {"width": w, "eta": 2} for w in (100, 800)
    ]
    values = np.random.default_rng(0).uniform(1, 2, (5, 3))
    design = np.array(
        [[np.log(c["width"]), c["eta"] == 1, c["eta"] == 2] for c in conditions], float
    )
    expected = np.linalg.lstsq(design, np.log(values.mean(axis=1)))[0][0]
    found = estimate("slope", values, conditions, along="width", average="mean")
    assert found == pytest.approx(expected)


def test_slope_has_no_value_where_a_mean_is_not_positive():
    values = [[1, 1], [-1, 0], [1, 1]]
    for average in ("mean", "geometric"):
        assert np.isnan(estimate("slope", values, over_widths, along="width", average=average))


def test_slope_along_lambda_needs_lambda_above_zero():
    with pytest.raises(NotRunError, match="needs values of l2 above 0 for a logarithm"):
        estimate("slope", np.ones((4, 2)), over_lambdas, along="l2", average="mean")


def test_gain_is_the_smallest_paired_difference():
    values = [[0.1, 0.3], [0.3, 0.5], [0.9, 0.8], [0.6, 0.6]]
    found = estimate("lowest_gain", values, over_lambdas, along="l2", start=0.0)
    assert found == pytest.approx(0.2)


def test_gain_between_schedules():
    conditions = [
        {"schedule": "none"},
        {"schedule": "constant", "l2": 1.0},
        {"schedule": "cutoff", "l2": 1.0, "cutoff_step": 9},
    ]
    ends = {"along": "schedule", "start": "none", "end": "cutoff"}
    assert estimate("lowest_gain", [[0.1], [0.2], [0.7]], conditions, **ends) == pytest.approx(0.6)


def test_ratio_is_the_largest_of_geometric_means():
    values = [[1e-9, 4e-9], [1, 4], [2, 8], [4, 4]]
    found = estimate("highest_ratio", values, over_lambdas, along="l2", end=0.0)
    assert found == pytest.approx(1e-9)


def test_ratio_has_no_value_where_something_is_nothing():
    values = [[0, 0], [1, 1], [1, 1], [1, 1]]
    for end in ({"end": 0.0}, {"start": 0.0}):
        assert np.isnan(estimate("highest_ratio", values, over_lambdas, along="l2", **end))


def test_lowest_ratio_is_the_smallest_of_geometric_means():
    conditions = [{"case": case, "width": w} for w in (100, 200) for case in ("free", "frozen")]
    values = [[1, 4], [1, 2.25], [2, 2], [1, 4]]
    ends = {"along": "case", "start": "free", "end": "frozen"}
    assert estimate("lowest_ratio", values, conditions, **ends) == pytest.approx(0.75)
    assert estimate("highest_ratio", values, conditions, **ends) == pytest.approx(1)


@given(st.lists(st.tuples(finite, finite, finite), min_size=1, max_size=4))
@settings(max_examples=25, deadline=None)
def test_lowest_ratio_is_one_over_the_highest_of_the_inverse(replicates):
    ends = {"along": "width", "start": 100}
    back = {"along": "width", "end": 100}
    values = np.array(replicates).T
    assert estimate("lowest_ratio", values, over_widths, **ends) == pytest.approx(
        1 / estimate("highest_ratio", values, over_widths, **back)
    )


def test_lowest_ratio_to_nothing_has_no_value():
    ends = {"along": "width", "start": 100}
    assert np.isnan(estimate("lowest_ratio", [[0], [1], [1]], over_widths, **ends))


def test_margin_compares_the_worst_of_one_with_the_best_of_the_other():
    conditions = [
        {"l2": 0.0, "depth": 2},
        {"l2": 0.0, "depth": 9},
        {"l2": 1.4, "depth": 1},
        {"l2": 1.4, "depth": 1, "width": 7},
        {"l2": 0.0, "depth": 1},
    ]
    values = [[0.7, 0.9], [0.9, 0.9], [0.1, 0.3], [0.5, 0.7], [5, 5]]

    def loss(**where):
        return Part().where(**where).final("loss")

    of, over = loss(depth=at_least(2)), loss(l2=1.4)
    found = estimate("lowest_margin", values, conditions, of=of, over=over)
    assert found == pytest.approx(0.8 - 0.6)
    none = loss(l2=9)
    with pytest.raises(NotRunError, match="no condition of the config matches `over`"):
        estimate("lowest_margin", values, conditions, of=of, over=none)
    with pytest.raises(NotRunError, match="no condition of the config matches `of`"):
        estimate("lowest_margin", values, conditions, of=none, over=over)


def test_step_ratio_compares_neighbours_only():
    conditions = [{"l2": l2, "width": w} for w in (100, 200) for l2 in LAMBDAS]
    values = [[1, 4], [2, 8], [6, 24], [1, 1], [5, 5], [6, 6]]
    found = estimate("lowest_step_ratio", values, conditions, along="l2")
    assert found == pytest.approx(1.2)


def test_step_ratio_has_no_value_where_a_loss_is_zero():
    values = [[0, 0], [1, 1], [2, 2], [3, 3]]
    assert np.isnan(estimate("lowest_step_ratio", values, over_lambdas, along="l2"))


@given(st.lists(st.lists(finite, min_size=4, max_size=4, unique=True), min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_rank_correlation_is_the_median_of_spearmans(columns):
    values = np.array(columns).T
    expected = np.median([spearmanr([0, *LAMBDAS], column).statistic for column in columns])
    found = estimate("rank_correlation", values, over_lambdas, along="l2")
    assert found == pytest.approx(expected)


def test_rank_correlation_of_one_exchange_among_four_is_four_fifths():
    values = [[0.1], [0.5], [0.9], [0.8]]
    assert estimate("rank_correlation", values, over_lambdas, along="l2") == pytest.approx(0.8)
    assert estimate("rank_correlation", np.ones((4, 2)), over_lambdas, along="l2") == 0


def test_correlation_by_hand():
    # Within replicate 0 a straight line; within replicate 1 -1/2; the median of the two is 1/4.
    values, other = [[1, 1], [2, 2], [3, 3]], [[2, 2], [4, 3], [6, 1]]
    found = estimate("correlation", values, over_widths, other)
    assert found == pytest.approx((1 - 0.5) / 2)


def test_correlation_with_a_constant_is_nothing():
    assert estimate("correlation", [[1], [2], [3]], over_widths, [[1], [1], [1]]) == 0


@given(st.integers(0, 2**32 - 1), st.integers(3, 9), st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_correlation_is_the_median_of_those_of_the_replicates(number, count, replicates):
    rng = np.random.default_rng(number)
    values, other = rng.standard_normal((2, count, replicates))
    conditions = [{"width": 10 + k} for k in range(count)]
    pearson = [np.corrcoef(values[:, k], other[:, k])[0, 1] for k in range(replicates)]
    found = estimate("correlation", values, conditions, other)
    assert found == pytest.approx(np.median(pearson))


def test_correlation_needs_three_conditions():
    with pytest.raises(NotRunError, match="needs three conditions for a correlation"):
        estimate("correlation", [[1], [2]], over_widths[:2], [[1], [2]])


SMALL = {"tells": LOSS < 1}


def test_auc_by_hand():
    # .9, .4, .9, .1, .2, .3 pass; .5, .3 and .9 fail, the last for want of the other value.
    values = [[0.9, 0.9, 0.1], [0.4, 0.9, 0.2], [0.5, 0.3, 0.3]]
    other = [[0, 0, 0], [0, np.nan, 0], [5, 5, 0]]
    # Against .5: 2 of 6; against .3: 3 and a tie; against .9: two ties.
    found = estimate("auc", values, over_widths, other, **SMALL)
    assert found == pytest.approx((2 + 3.5 + 1) / 18)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(2, 6))
@settings(max_examples=50, deadline=None)
def test_auc_is_that_of_mann_and_whitney_over_all_runs(number, replicates, count):
    rng = np.random.default_rng(number)
    values = rng.integers(0, 4, (count, replicates)).astype(float)
    other = rng.choice([0.0, 9.0], (count, replicates))
    other[:2, 0] = 0.0, 9.0
    expected = mannwhitneyu(values[other == 0], values[other == 9]).statistic
    conditions = [{"width": 10 + k} for k in range(count)]
    found = estimate("auc", values, conditions, other, **SMALL)
    assert found == pytest.approx(expected / ((other == 0).sum() * (other == 9).sum()))


def test_auc_leaves_out_what_cannot_be_ranked():
    values, other = [[0.9], [np.nan], [0.1]], [[0.0], [np.nan], [9.0]]
    assert estimate("auc", values, over_widths, other, **SMALL) == 1


@pytest.mark.parametrize("other", [0.0, 9.0, np.nan])
def test_auc_needs_both_kinds(other):
    values, same = np.ones((3, 2)), np.full((3, 2), other)
    with pytest.raises(NotRunError, match="no two runs of which one passes `other_passes`"):
        estimate("auc", values, over_widths, same, **SMALL)


def test_auc_within_an_angle_pairs_only_runs_that_agree_in_it():
    # Across angles the larger value always stays; at 40 degrees it leaves in one pair of two.
    conditions = [{"tie_angle": angle} for angle in (0, 40, 40, 90)]
    values = [[0.9, 0.9], [0.5, 0.6], [0.7, 0.4], [0.1, 0.1]]
    other = [[0, 0], [0, 0], [9, 9], [9, 9]]
    within = {**SMALL, "within": "tie_angle"}
    assert estimate("auc", values, conditions, other, **within) == pytest.approx(2 / 4)
    assert estimate("auc", values, conditions, other, **SMALL) == pytest.approx(14 / 16)
    # What the angle does to the values is no part of it.
    shifted = np.add(values, [[5], [-3], [-3], [7]])
    assert estimate("auc", shifted, conditions, other, **within) == pytest.approx(2 / 4)
    with pytest.raises(NotRunError, match="no two runs at one tie_angle of which one passes"):
        estimate("auc", values[::3], conditions[::3], other[::3], **within)


@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.integers(2, 5))
@settings(max_examples=25, deadline=None)
def test_auc_within_a_setting_weighs_its_values_by_their_pairs(number, replicates, count):
    rng = np.random.default_rng(number)
    conditions = [{"tie_angle": angle, "width": w} for angle in (0, 9) for w in range(count)]
    values = rng.integers(0, 4, (2 * count, replicates)).astype(float)
    other = rng.choice([0.0, 9.0], (2 * count, replicates))
    other[:, 0] = np.resize([0.0, 9.0], 2 * count)
    won = pairs = 0
    for part in (slice(count), slice(count, None)):
        stays, leaves = values[part][other[part] == 0], values[part][other[part] == 9]
        won += mannwhitneyu(stays, leaves).statistic
        pairs += stays.size * leaves.size
    found = estimate("auc", values, conditions, other, **SMALL, within="tie_angle")
    assert found == pytest.approx(won / pairs)


def test_concordant_runs_pass_both_or_neither():
    values, other = [[1, -1, 1], [-1, np.nan, 1]], [[5, 0, 0], [0, 0, np.nan]]
    two = {"two": (LOSS >= 0, LOSS > 1)}
    # Passing both; neither; the first alone; neither; no first value; no second value.
    assert estimate("share_concordant", values, over_widths[:2], other, **two) == 0.5


def test_share_among_asks_only_those_that_satisfy_the_other():
    values, other = [[1, 1, 9, np.nan, 1]], [[5, 0, 5, 5, np.nan]]
    arguments = {"of": LOSS > 1, "given": LOSS < 2}
    found = computed("share_among", values, over_widths[:1], other, **arguments)
    assert (found.n, found.value) == (3, pytest.approx(1 / 3))
    # What is claimed of every one of them takes 29: 0.05^(1/29) = 0.902.
    asked = [[1.0] * 29 + [9.0] * 4], [[5.0] * 29 + [0.0] * 4]
    found = computed("share_among", asked[0], over_widths[:1], asked[1], **arguments, every=True)
    assert found.interval == (pytest.approx(0.05 ** (1 / 29)), 1.0)
    with pytest.raises(NotRunError, match="no replicate satisfies `given`"):
        estimate("share_among", [[9.0]], over_widths[:1], [[5.0]], **arguments)


def test_spread_is_the_largest_ratio_at_one_width():
    conditions = [{"l2": l2, "width": w} for w in (100, 200) for l2 in LAMBDAS]
    values = [[10.0], [10.4], [10.1], [30], [33], [31]]
    assert estimate("widest_spread", values, conditions, along="l2") == pytest.approx(1.1)


@pytest.mark.parametrize(
    ("kind", "bound", "share"), [("at_least", 1, 0.5), ("above", 1, 0.25), ("below", 5, 0.75)]
)
def test_share_counts_replicates_that_pass_everywhere(kind, bound, share):
    values = [[1, 2, 3, np.nan], [0, 1, 2, 3]]
    passes = {"of": Comparison(LOSS, Threshold(kind, bound))}
    assert estimate("share_of_replicates", values, over_widths[:2], **passes) == share


def test_share_of_replicates_that_satisfy_two_criteria():
    values = [[1, 1, 1, 9, 1], [1, 1, 1, 1, 1]]
    other = [[7, 7, 0, 7, np.nan], [7, 0, 7, 7, 7]]
    passes = {"of": (LOSS < 5) & (LOSS > 5)}
    found = estimate("share_of_replicates", values, over_widths[:2], other, **passes)
    assert found == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("slope", {"along": "width", "average": "mean"}),
        ("lowest_step_ratio", {"along": "width"}),
        ("rank_correlation", {"along": "width"}),
        ("widest_spread", {"along": "width"}),
        ("lowest_gain", {"along": "width", "start": 100}),
        ("highest_ratio", {"along": "width", "end": 100}),
        ("lowest_ratio", {"along": "width", "end": 100}),
    ],
)
def test_one_width_is_not_enough(name, arguments):
    with pytest.raises(NotRunError, match="among otherwise equal conditions"):
        estimate(name, [[1.0, 2.0]], over_widths[:1], **arguments)


@given(st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_order_of_conditions_and_replicates_changes_nothing(random):
    conditions = [{"l2": l2, "width": w} for w in WIDTHS for l2 in (0.0, *LAMBDAS)]
    values, other = np.random.default_rng(5).uniform(0.5, 2, (2, 12, 6))
    rows, columns = list(range(12)), list(range(6))
    random.shuffle(rows)
    random.shuffle(columns)
    for name, arguments in {
        "lowest_mean": {},
        "slope": {"along": "width", "average": "rms"},
        "lowest_gain": {"along": "l2", "start": 0.0},
        "highest_ratio": {"along": "l2", "end": 0.0},
        "lowest_step_ratio": {"along": "l2"},
        "rank_correlation": {"along": "l2"},
        "widest_spread": {"along": "l2"},
        "share_of_replicates": {"of": LOSS > 0.7},
        "lowest_ratio": {"along": "l2", "end": 0.0},
        "lowest_margin": {
            "of": Part().where(l2=0).final("loss"),
            "over": Part().where(l2=1).final("loss"),
        },
        "correlation": {},
        "auc": {"tells": LOSS < 1.2},
        "share_concordant": {"two": (LOSS < 1.2, LOSS > 0.9)},
        "share_among": {"of": LOSS < 1.9, "given": LOSS > 0.6},
    }.items():
        shuffled = [conditions[i] for i in rows]
        pair = () if name == "share_of_replicates" else (other,)
        moved = [given[rows][:, columns] for given in (values, *pair)]
        assert estimate(name, moved[0], shuffled, *moved[1:], **arguments) == pytest.approx(
            estimate(name, values, conditions, *pair, **arguments)
        )


@pytest.mark.parametrize("average", ["mean", "rms"])
def test_interval_of_an_exponent_is_that_of_the_jackknife(average):
    values = np.random.default_rng(3).uniform(1, 2, (3, 9))
    exponents = [
        estimate("slope", np.delete(values, k, axis=1), over_widths, along="width", average=average)
        for k in range(9)
    ]
    found = computed("slope", values, over_widths, along="width", average=average)
    error = np.sqrt(8 / 9 * np.sum((exponents - np.mean(exponents)) ** 2))
    low, high = found.interval
    assert (high - low) / 2 == pytest.approx(t.ppf(0.975, 8) * error)
    assert found.value == pytest.approx((low + high) / 2, abs=error)


def test_an_extreme_has_the_interval_of_each():
    values = np.random.default_rng(4).uniform(1, 2, (3, 9))
    least = computed("lowest_gain", values, over_widths, along="width", start=100)
    differences = values[1:] - values[0]
    half = t.ppf(0.975, 8) * differences.std(axis=1, ddof=1) / 3
    assert least.interval[0] == pytest.approx((differences.mean(axis=1) - half).min())
