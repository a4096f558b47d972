"""What a declaration says, and the one line that a mistake in it gets."""

import re
from contextlib import suppress
from pathlib import Path

import pytest

from feedback_alignment.claims import Claim, ClaimsError, Part, claim, load_claims
from feedback_alignment.claims.filters import COLUMNS, passes, plain
from feedback_alignment.claims.nulls import mean_at, shuffled, untrained
from feedback_alignment.claims.statistics import (
    auc,
    correlation,
    grand_mean,
    lowest_gain,
    lowest_margin,
    lowest_mean,
    rank_correlation,
    share_of_replicates,
    slope,
    widest_spread,
)
from feedback_alignment.claims.threshold import above, at_least
from feedback_alignment.published import read_published

ROOT = Path(__file__).parents[2]
CLAIMS = load_claims()
PUBLISHED = ROOT / "resources/published"
ALL = Part()
LOSS, ALIGNMENT = ALL.final("loss"), ALL.final("weight_alignment")


@claim(paper="Song 2021", figure="song_width")
def vanishes(part):
    """It vanishes,
    with the width.
    """
    free = part.where(rule="fa", l2=0).each("activation")
    falls = slope(free.final("weight_alignment"), along="width", average="rms") < -0.25
    yield "exponent", falls, shuffled("width")
    yield (
        "ratio",
        lowest_mean(free.final("loss") / free.at("half", "loss")).within(0, 1),
        mean_at(1),
    )


def test_reads_a_claim():
    assert isinstance(vanishes, Claim)
    assert (vanishes.id, vanishes.figure) == ("test_declaration.vanishes", "song_width")
    assert vanishes.statement == "It vanishes, with the width."
    assert re.fullmatch(r".*test_declaration\.py:\d+", vanishes.declared)
    first, second = vanishes.checks
    assert first.statistic.arguments == {
        "metric": "weight_alignment",
        "at": "end",
        "along": "width",
        "average": "rms",
    }
    assert (first.label, str(first.threshold)) == ("exponent", "< -0.25")
    assert plain(first.statistic.reading.where) == {"rule": "fa", "l2": 0}
    assert first.statistic.reading.each == "activation"
    assert second.statistic.arguments == {"metric": "loss", "at": "end", "relative_to": "half"}
    assert str(second.threshold) == "in [0, 1]"


def test_the_record_has_every_argument():
    both = (ALL.final("loss") < 1) & (ALL.at("start", "descent", layer=2) > 2)
    assert share_of_replicates(both, every=True).arguments == {
        "metric": "loss",
        "at": "end",
        "replicate_passes": {"below": 1},
        "needed": "every",
        "other": "descent",
        "other_layer": "2",
        "other_at": "start",
        "other_passes": {"above": 2},
    }
    gain = lowest_gain(LOSS, along="case", start="frozen", end="trained")
    assert gain.arguments == {
        "metric": "loss",
        "at": "end",
        "along": "case",
        "from": "frozen",
        "to": "trained",
    }


@pytest.mark.parametrize(
    ("where", "value", "good"),
    [
        ({"width": [2, 5]}, 5, True),
        ({"width": at_least(2)}, 1, False),
        ({"bias": True}, True, True),
        ({"bias": [True, False]}, False, True),
        ({"switch_rule": ""}, "", True),
        ({"switch_rule": ""}, "bp", False),
        ({"case": "trained"}, ("search", "trained"), True),
        ({"case": ["trained", "tied"]}, ("search",), False),
    ],
)
def test_filters_of_numbers_switches_empty_text_and_cases(where, value, good):
    (column,) = where
    assert passes({column: value}, ALL.where(**where).filters) == good


@pytest.mark.parametrize(
    ("given", "read"), [(2, "2"), ("2", "2"), ("hidden", "hidden"), ("all", "all")]
)
def test_layers_are_text(given, read):
    assert ALL.final("weight_alignment", layer=given).layer == read


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: ALL.final("weight_aligment"),
            'unknown metric "weight_aligment"; did you mean "weight_alignment"?',
        ),
        (lambda: ALL.final("zzz"), 'unknown metric "zzz"; allowed: loss, error_norm, accuracy, '),
        (lambda: ALL.final(3), "unknown metric 3; allowed: loss, "),
        (lambda: ALL.where(widht=1), 'unknown column "widht"; did you mean "width"?'),
        (
            lambda: ALL.where(replicate=0),
            f'unknown column "replicate"; allowed: {", ".join(COLUMNS)}',
        ),
        (lambda: ALL.where(l2="0.3"), 'l2 must be a number, not "0.3"'),
        (lambda: ALL.where(width=[100, True]), "width must be a number, not true"),
        (lambda: ALL.where(rule=1), "rule is text, not 1"),
        (lambda: ALL.where(case=1), "case is text, not 1"),
        (lambda: ALL.where(rule=above(1)), "rule is text; give a value or a list of values"),
        (lambda: ALL.where(width=[]), "width: the list is empty, so nothing would pass"),
        (lambda: ALL.where(bias=1), "bias is true or false, not 1"),
        (
            lambda: ALL.where(bias=above(0)),
            "bias is true or false; give a value or a list of values",
        ),
        (lambda: ALL.where(tie_step=0), "tie_step may be missing; ask for the condition's case "),
        (lambda: ALL.each("tie_step"), "tie_step may be missing; ask for the condition's case "),
        (lambda: ALL.where(width=1).where(width=2), "width is filtered twice"),
        (lambda: ALL.each("activations"), 'unknown column "activations"; did you mean "activat'),
        (
            lambda: ALL.at("middle", "loss"),
            'unknown time "middle"; allowed: start, half, cutoff, before, intervention, half_fall, '
            "end, a number between 0 and 1",
        ),
        (lambda: ALL.at(1, "loss"), "a share of the steps lies between 0 and 1, not at 1"),
        (lambda: ALL.at(True, "loss"), "unknown time true; allowed: start, "),
        (
            lambda: ALL.final("weight_alignment", layer="hiden"),
            'unknown layer "hiden"; allowed: hidden, output, all, or the number of a layer from 1',
        ),
        (lambda: ALL.final("weight_alignment", layer=0), "unknown layer 0; allowed: hidden, "),
        (
            lambda: ALL.final("loss", layer="hidden"),
            "loss is of the whole network; leave the layer out",
        ),
        (
            lambda: ALL.final("descent_share"),
            "descent_share is of one layer; name it, as in layer=1",
        ),
        (lambda: LOSS / LOSS, 'a ratio needs two times, not "end" twice'),
        (
            lambda: LOSS / ALL.at("half", "accuracy"),
            "a ratio is of one quantity at two times, in the same conditions",
        ),
        (
            lambda: LOSS / ALL.where(l2=0).at("half", "loss"),
            "a ratio is of one quantity at two times, in the same conditions",
        ),
        (lambda: LOSS < "0", 'must be a number, not "0"'),
        (lambda: 0 < LOSS < 1, "no chain or `and` of comparisons; use .within(low, high), and &"),
        (lambda: LOSS < 1 and LOSS > 0, "no chain or `and` of comparisons; use .within(low, "),
        (lambda: (LOSS < 1) & LOSS, "& joins two comparisons of readings with numbers"),
        (
            lambda: slope(ALIGNMENT, along="activation"),
            'unknown axis "activation"; allowed: l2, width, depth, init_scale, ',
        ),
        (
            lambda: slope(ALIGNMENT, along="width", average="median"),
            'unknown average "median"; did you mean "mean"?',
        ),
        (lambda: rank_correlation(LOSS, along="widht"), 'unknown axis "widht"; did you mean "wid'),
        (lambda: widest_spread(LOSS, along="l3"), 'unknown axis "l3"; '),
        (
            lambda: lowest_mean(LOSS < 1),
            "lowest_mean is of a reading, as in part.final(...), not a Comparison",
        ),
        (lambda: lowest_gain(LOSS, along="l2"), "needs start, end or both, values of l2"),
        (lambda: lowest_gain(LOSS, along="l2", start="none"), 'l2 must be a number, not "none"'),
        (lambda: lowest_gain(LOSS, along="schedule", end=0), "schedule is text, not 0"),
        (lambda: lowest_gain(LOSS, along="freeze_step", start=0), 'unknown axis "freeze_step"; '),
        (
            lambda: auc(ALIGNMENT, tells=LOSS),
            "auc tells runs by one comparison of a reading with a number",
        ),
        (
            lambda: auc(ALIGNMENT, tells=ALL.where(l2=0).final("loss") < 1),
            "auc: both quantities must be of the same conditions",
        ),
        (
            lambda: correlation(LOSS, ALIGNMENT / ALL.at("start", "weight_alignment")),
            "correlation: the second quantity cannot be a ratio of two times",
        ),
        (
            lambda: share_of_replicates(LOSS),
            "a share is of a comparison of a reading with a number",
        ),
        (
            lambda: lowest_margin(LOSS, over=ALIGNMENT),
            "a margin is of one quantity in two kinds of conditions",
        ),
    ],
)
def test_says_what_is_wrong(make, message):
    with pytest.raises(ClaimsError, match=f"^{re.escape(message)}"):
        make()


def declared(function):
    return claim(paper="P", figure="fig")(function)


def unknown_metric(part):
    """S."""
    yield "good", lowest_mean(part.final("loss")) < 1, untrained()
    yield (
        "label",
        lowest_mean(part.final("los")) < 1,
    )


def unknown_name(part):
    """S."""
    widths = part.where(width=100)
    yield "label", lowest_mean(width.final("loss") / widths.final("loss")) < 1, untrained()  # noqa: F821


def unknown_method(part):
    """S."""
    yield "label", lowest_mean(part.finl("loss")) < 1, untrained()


def unknown_argument(part):
    """S."""
    yield "label", slope(part.final("loss"), alog="width") < 1, untrained()


def same_label(part):
    """S."""
    yield "label", lowest_mean(part.final("loss")) < 1, untrained()
    yield "label", grand_mean(part.final("loss")) < 1, untrained()


def two_lines(part):
    """S."""
    yield "one\ntwo", lowest_mean(part.final("loss")) < 1, untrained()


def no_threshold(part):
    """S."""
    yield "label", lowest_mean(part.final("loss")), untrained()


def of_a_reading(part):
    """S."""
    yield "label", part.final("loss") < 1, untrained()


def two_statistics(part):
    """S."""
    loss = part.final("loss")
    yield "label", (lowest_mean(loss) < 1) & (grand_mean(loss) > 0), untrained()


def in_a_helper(part):
    """S."""

    def helper():
        yield "label", lowest_mean(part.final("loss")), untrained()

    yield from helper()


def caught(part):
    """S."""
    with suppress(ClaimsError):
        yield "label", lowest_mean(part.final("loss")), untrained()


def no_label(part):
    """S."""
    yield lowest_mean(part.final("loss")) < 1


def no_statement(part):
    yield "label", lowest_mean(part.final("loss")) < 1, untrained()


def nothing(part):
    """S."""
    yield from ()


def no_generator(part):
    """S."""
    return [("label", lowest_mean(part.final("loss")) < 1)]


@pytest.mark.parametrize(
    ("function", "line", "message"),
    [
        (unknown_metric, 5, 'unknown metric "los"; did you mean "loss"?'),
        (unknown_name, 3, 'unknown name "width"; did you mean "widths"?'),
        (unknown_method, 2, 'unknown name "finl"; did you mean "final"?'),
        (unknown_argument, 2, "slope() got an unexpected keyword argument 'alog'"),
        (same_label, 3, "another check of this claim has the same label"),
        (two_lines, 2, 'a label is one line of text, not "one\\ntwo"'),
        (no_threshold, 2, "a check compares a statistic with a number, as in slope(...) < -0.25, "),
        (of_a_reading, 2, "a check compares a statistic with a number, as in slope(...) < -0.25, "),
        (two_statistics, 3, "& joins two comparisons of readings with numbers"),
        (in_a_helper, 4, "a check compares a statistic with a number, as in slope(...) < -0.25, "),
        (caught, 3, "a check compares a statistic with a number, as in slope(...) < -0.25, "),
        (no_label, 2, "yield a label, a comparison and a null, not a Comparison"),
        (no_statement, 0, "test_declaration.no_statement has no docstring that states the claim"),
        (nothing, 0, "nothing yields no comparison"),
        (no_generator, 0, "no_generator yields no comparison"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_line(function, line, message):
    with pytest.raises(ClaimsError) as caught:
        declared(function)
    at = f"tests/claims/test_declaration.py:{function.__code__.co_firstlineno + line}: "
    said = str(caught.value)
    assert f"{at}{message}" in said
    assert "\n" not in said


def test_paper_and_figure_are_text():
    with pytest.raises(ClaimsError, match="figure must be text, not 3"):
        claim(paper="P", figure=3)(same_label)


def test_the_claims_of_the_project_are_in_the_order_of_their_files():
    modules = [one.id.partition(".")[0] for one in CLAIMS]
    assert modules == sorted(modules, key=["song", "chu", "ours"].index)
    assert len({one.id for one in CLAIMS}) == len(CLAIMS)
    assert load_claims() == CLAIMS


def test_every_figure_of_a_claim_has_a_notebook():
    assert load_claims([path.stem for path in (ROOT / "notebooks").glob("*.ipynb")]) == CLAIMS


def test_an_unknown_figure_is_named_with_the_claim():
    figures = {one.figure for one in CLAIMS} - {"song_cutoff"} | {"song_cuttof"}
    with pytest.raises(
        ClaimsError,
        match=r'song\.py:\d+: unknown figure "song_cutoff"; did you mean "song_cuttof"\?$',
    ):
        load_claims(figures)


def test_published_values_that_are_not_there_are_named_with_the_claim():
    tables = {path.stem: read_published(path) for path in PUBLISHED.glob("*.csv")}
    assert load_claims(None, tables) == CLAIMS
    tables["song2021_alignmnt"] = tables.pop("song2021_alignment")
    with pytest.raises(
        ClaimsError,
        match=r'song\.py:\d+: unknown table of published values "song2021_alignment"; '
        r'did you mean "song2021_alignmnt"\?$',
    ):
        load_claims(None, tables)


def test_only_cases_of_the_config_are_named():
    text = (ROOT / "config/config.yaml").read_text()
    named = {
        value
        for one in CLAIMS
        for check in one.checks
        if "case" in check.statistic.reading.where
        for value in check.statistic.reading.where["case"].values
    }
    assert named
    assert all(re.search(rf"case: {value}\b", text) for value in named)
