import copy

import pytest

from feedback_alignment.claims import ClaimsError, load_claims, parse_claims
from feedback_alignment.claims.filters import AXES

SETTINGS = ", ".join(AXES)
CHECK = {
    "statistic": "slope",
    "label": "exponent",
    "where": {"rule": "fa", "l2": 0},
    "args": {"metric": "weight_alignment", "along": "width", "average": "rms"},
    "below": -0.25,
}
CLAIM = {
    "id": "song.thing",
    "paper": "Song 2021",
    "statement": "It vanishes.",
    "figure": "song_width",
    "checks": [CHECK],
}


def changed(path, value):
    """The good file with one key set, or gone if the value is `...`."""
    content = {"claims": [copy.deepcopy(CLAIM)]}
    place = content
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return content


def test_reads_a_claim():
    (claim,) = parse_claims({"claims": [CLAIM]})
    (check,) = claim.checks
    assert (claim.id, claim.figure) == ("song.thing", "song_width")
    assert check.arguments == {
        "metric": "weight_alignment",
        "layer": None,
        "at": "end",
        "relative_to": None,
        "along": "width",
        "average": "rms",
    }
    assert str(check.threshold) == "< -0.25"
    assert check.where["l2"].passes(0.0)
    assert check.each is None


C = ("claims", 0)
K = (*C, "checks", 0)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            (*K, "statistic"),
            "slop",
            'claims[0].checks[0].statistic: unknown statistic "slop"; '
            "allowed: share_of_replicates, "
            "lowest_mean, highest_mean, grand_mean, slope, lowest_gain, lowest_margin, "
            "highest_ratio, lowest_ratio, lowest_step_ratio, rank_correlation, correlation, auc, "
            'widest_spread; did you mean "slope"?',
        ),
        (
            (*K, "statistic"),
            ...,
            "claims[0].checks[0].statistic: is missing; required: statistic, label, args",
        ),
        (
            (*K, "statistik"),
            "slope",
            'claims[0].checks[0].statistik: unknown key "statistik"; allowed: statistic, label, '
            "args, where, each, at_least, above, at_most, below, between; "
            'did you mean "statistic"?',
        ),
        (
            (*K, "above"),
            0,
            "claims[0].checks[0]: needs exactly one of at_least, above, at_most, below, between; "
            "found above and below",
        ),
        (
            (*K, "below"),
            ...,
            "claims[0].checks[0]: needs exactly one of at_least, above, at_most, below, between; "
            "found none",
        ),
        ((*K, "label"), "", 'claims[0].checks[0].label: must be text, not ""'),
        ((*K, "label"), 3, "claims[0].checks[0].label: must be text, not 3"),
        (
            (*K, "label"),
            "one\ntwo",
            "claims[0].checks[0].label: must be one line of text; fold it with >-",
        ),
        (
            (*K, "where", "widht"),
            100,
            'claims[0].checks[0].where.widht: unknown column "widht"; '
            f'allowed: {SETTINGS}, steps, slow_time; did you mean "width"?',
        ),
        (
            (*K, "where", "replicate"),
            0,
            'claims[0].checks[0].where.replicate: unknown column "replicate"; '
            f"allowed: {SETTINGS}, steps, slow_time",
        ),
        (
            (*K, "where", "l2"),
            "0.3",
            'claims[0].checks[0].where.l2: must be a number, not "0.3"',
        ),
        (
            (*K, "where", "width"),
            [100, True],
            "claims[0].checks[0].where.width: must be a number, not true",
        ),
        (
            (*K, "where", "rule"),
            1,
            "claims[0].checks[0].where.rule: rule is text, not 1",
        ),
        (
            (*K, "where", "rule"),
            {"above": 1},
            "claims[0].checks[0].where.rule: rule is text; give a value or a list of values",
        ),
        (
            (*K, "where", "width"),
            [],
            "claims[0].checks[0].where.width: the list is empty, so nothing would pass",
        ),
        (
            (*K, "where", "width"),
            {"over": 3},
            'claims[0].checks[0].where.width.over: unknown key "over"; allowed: at_least, above, '
            'at_most, below, between; did you mean "above"?',
        ),
        (
            (*K, "where", "width"),
            {},
            "claims[0].checks[0].where.width: needs exactly one of at_least, above, at_most, "
            "below, between; found none",
        ),
        (
            (*K, "where"),
            ["rule"],
            "claims[0].checks[0].where: must be columns with values, not a list",
        ),
        (
            (*K, "each"),
            "activations",
            'claims[0].checks[0].each: unknown column "activations"; '
            f'allowed: {SETTINGS}; did you mean "activation"?',
        ),
        ((*K, "args"), None, "claims[0].checks[0].args: must be keys with values, not nothing"),
        (
            (*K, "args", "along"),
            ...,
            "claims[0].checks[0].args.along: is missing; required: metric, along",
        ),
        (
            (*K, "args", "along"),
            "activation",
            'claims[0].checks[0].args.along: unknown axis "activation"; allowed: l2, cutoff_step, '
            "width, depth, init_scale, feedback_scale, samples, dimension, validation_samples, "
            "eta, batch_size, switch_step, redraw_step, redraw_every, tie_step, tie_angle, "
            "tie_every, perturb_step, perturb_size, freeze_step, metric_samples",
        ),
        (
            (*K, "args", "from"),
            0,
            'claims[0].checks[0].args.from: unknown key "from"; allowed: metric, along, '
            "layer, at, relative_to, average",
        ),
        (
            (*K, "args", "average"),
            "median",
            'claims[0].checks[0].args.average: unknown value "median"; allowed: mean, rms, '
            'geometric; did you mean "mean"?',
        ),
        (
            (*K, "args", "at"),
            "middle",
            'claims[0].checks[0].args.at: unknown value "middle"; allowed: start, half, cutoff, '
            "intervention, half_fall, end, a number between 0 and 1",
        ),
        (
            (*K, "args", "at"),
            1,
            "claims[0].checks[0].args.at: must be a number strictly between 0 and 1, not 1",
        ),
        (
            (*K, "args", "at"),
            True,
            "claims[0].checks[0].args.at: unknown value true; allowed: start, half, cutoff, "
            "intervention, half_fall, end, a number between 0 and 1",
        ),
        (
            (*K, "args", "layer"),
            "hiden",
            'claims[0].checks[0].args.layer: unknown layer "hiden"; allowed: hidden, output, all, '
            "or the number of a layer from 1",
        ),
        (
            (*K, "args", "layer"),
            0,
            "claims[0].checks[0].args.layer: unknown layer 0; allowed: hidden, output, all, "
            "or the number of a layer from 1",
        ),
        (
            (*K, "args"),
            {"metric": "loss", "along": "width", "layer": "hidden"},
            "claims[0].checks[0].args.layer: loss is of the whole network; leave the layer out",
        ),
        (
            (*K, "args"),
            {"metric": "descent_share", "along": "width"},
            "claims[0].checks[0].args.layer: is missing; descent_share is of one layer",
        ),
        (
            (*K, "where", "bias"),
            1,
            "claims[0].checks[0].where.bias: bias is true or false, not 1",
        ),
        (
            (*K, "where", "bias"),
            {"above": 0},
            "claims[0].checks[0].where.bias: bias is true or false; give a value or a list of "
            "values",
        ),
        (
            (*K, "where", "tie_step"),
            "nevr",
            'claims[0].checks[0].where.tie_step: must be a number or never, not "nevr"',
        ),
        (
            (*K, "where", "width"),
            "never",
            'claims[0].checks[0].where.width: must be a number, not "never"',
        ),
        (
            (*K, "args", "relative_to"),
            "end",
            "claims[0].checks[0].args.relative_to: is the same time as `at`, end",
        ),
        (
            (*C, "id"),
            ...,
            "claims[0].id: is missing; required: id, paper, statement, figure, checks",
        ),
        (
            (*C, "id"),
            "Song thing",
            'claims[0].id: "Song thing" is not allowed; allowed: lower-case words joined by . and '
            "_, as in song.convergence",
        ),
        (
            (*C, "figure"),
            "song_witdh",
            'claims[0].figure: unknown figure "song_witdh"; allowed: song_cutoff, song_width; '
            'did you mean "song_width"?',
        ),
        (
            (*C, "checks"),
            [],
            "claims[0].checks: must be a list with at least one entry, not an empty list",
        ),
        (
            (*C, "checks"),
            [CHECK, CHECK],
            "claims[0].checks[1].label: another check of this claim has the same label",
        ),
        (
            ("claims",),
            [CLAIM, CLAIM],
            'claims[1].id: "song.thing" is already the id of claims[0]; give each claim its own',
        ),
        (("claims", 0), "song", 'claims[0]: must be keys with values, not "song"'),
        (
            ("claims",),
            None,
            "claims: must be a list with at least one entry, not nothing",
        ),
        (
            ("claim",),
            [],
            'top level.claim: unknown key "claim"; allowed: claims; did you mean "claims"?',
        ),
    ],
)
def test_says_what_is_wrong(path, value, message):
    with pytest.raises(ClaimsError) as caught:
        parse_claims(changed(path, value), ["song_width", "song_cutoff"])
    assert str(caught.value) == message


def test_unknown_metric_lists_the_known_ones():
    with pytest.raises(ClaimsError) as caught:
        parse_claims(changed((*K, "args", "metric"), "weight_aligment"))
    message = str(caught.value)
    assert message.startswith(
        'claims[0].checks[0].args.metric: unknown metric "weight_aligment"; allowed: loss, '
    )
    assert message.endswith('; did you mean "weight_alignment"?')


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            {"metric": "loss", "along": "l2"},
            "claims[0].checks[0].args: needs from, to or both, values of l2",
        ),
        (
            {"metric": "loss", "along": "l2", "from": "none"},
            'claims[0].checks[0].args.from: must be a number, not "none"',
        ),
        (
            {"metric": "loss", "along": "schedule", "to": 0},
            "claims[0].checks[0].args.to: schedule is text, not 0",
        ),
        (
            {"metric": "loss", "along": "freeze_step", "from": "none"},
            'claims[0].checks[0].args.from: must be a number or never, not "none"',
        ),
    ],
)
def test_ends_of_a_comparison(args, message):
    check = {"statistic": "lowest_gain", "label": "gain", "args": args, "above": 0}
    with pytest.raises(ClaimsError) as caught:
        parse_claims(changed(K, check))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("statistic", "args", "message"),
    [
        (
            "auc",
            {"metric": "loss", "other": "loss_rise"},
            "args.other_passes: is missing; required: metric, other, other_passes",
        ),
        (
            "correlation",
            {"metric": "loss", "other": "acuracy"},
            'args.other: unknown metric "acuracy"; allowed: loss, error_norm, accuracy, ',
        ),
        (
            "correlation",
            {"metric": "loss", "other": "accuracy", "kind": "kendall"},
            'args.kind: unknown value "kendall"; allowed: pearson, spearman',
        ),
        (
            "correlation",
            {"metric": "loss", "other": "accuracy", "other_layer": 1},
            "args.other_layer: accuracy is of the whole network; leave the layer out",
        ),
        (
            "correlation",
            {"metric": "loss", "other": "descent"},
            "args.other_layer: is missing; descent is of one layer",
        ),
        (
            "share_of_replicates",
            {"metric": "loss", "replicate_passes": {"above": 0}, "other": "accuracy"},
            "args: needs both other and other_passes, or neither",
        ),
        (
            "share_of_replicates",
            {"metric": "loss", "replicate_passes": {"above": 0}, "other_passes": {"above": 0}},
            "args: needs both other and other_passes, or neither",
        ),
        (
            "share_of_replicates",
            {"metric": "loss", "replicate_passes": {"above": 0}, "other_layer": "hidden"},
            "args.other_layer: needs other",
        ),
        (
            "lowest_margin",
            {"metric": "loss", "of": {"widht": 1}, "over": {}},
            'args.of.widht: unknown column "widht"; allowed: ',
        ),
        (
            "lowest_margin",
            {"metric": "loss", "of": {"width": 1}},
            "args.over: is missing; required: metric, of, over",
        ),
    ],
)
def test_arguments_of_a_second_quantity_and_of_margins(statistic, args, message):
    check = {"statistic": statistic, "label": "it", "args": args, "above": 0}
    with pytest.raises(ClaimsError) as caught:
        parse_claims(changed(K, check))
    assert str(caught.value).startswith(f"claims[0].checks[0].{message}")


@pytest.mark.parametrize(
    ("where", "value", "passes"),
    [
        ({"tie_step": "never"}, None, True),
        ({"tie_step": "never"}, 0, False),
        ({"tie_step": ["never", 5]}, 5, True),
        ({"tie_step": {"at_least": 0}}, None, False),
        ({"tie_step": {"at_least": 0}}, 0, True),
        ({"bias": True}, True, True),
        ({"bias": [True, False]}, False, True),
        ({"switch_rule": ""}, "", True),
        ({"switch_rule": ""}, "bp", False),
    ],
)
def test_filters_of_steps_switches_and_empty_text(where, value, passes):
    (claim,) = parse_claims(changed((*K, "where"), where))
    ((column, accept),) = claim.checks[0].where.items()
    assert accept.passes(value) == passes
    assert {column: accept.plain()} == where


@pytest.mark.parametrize(
    ("given", "read"), [(2, "2"), ("2", "2"), ("hidden", "hidden"), ("all", "all")]
)
def test_layers_are_text(given, read):
    (claim,) = parse_claims(changed((*K, "args", "layer"), given))
    assert claim.checks[0].arguments["layer"] == read


@pytest.mark.parametrize("passes", [{}, {"above": 1, "below": 2}])
def test_criterion_of_a_replicate_needs_one_threshold(passes):
    args = {"metric": "loss", "replicate_passes": passes}
    check = {"statistic": "share_of_replicates", "label": "share", "args": args, "above": 0}
    with pytest.raises(
        ClaimsError, match=r"args\.replicate_passes: needs exactly one of at_least, "
    ):
        parse_claims(changed(K, check))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("claims:\n  - id: a\n    id: b\n", 'line 3: key "id" stands twice; keep one'),
        ("claims: [\n", "line 2: not valid YAML: "),
        ("claims:\n\t- id: a\n", "line 2: not valid YAML: "),
        ("", "the file is empty"),
        ("# nothing\n", "the file is empty"),
        ("- id: a\n", "the top level must be keys with values, not a list"),
        ("claims: " + "9" * 5000 + "\n", ""),
        ("claims: " + "[" * 5000 + "]" * 5000 + "\n", ""),
        ("claims: 0x" + "f" * 5000 + "\n", ""),
        ("claims:\n  - ? {a: b}\n    : c\n", ""),
        ('claims: [{"a\\nb": 1}]\n', ""),
        ('claims: ["a\\nb"]\n', ""),
    ],
)
def test_broken_files_are_named_with_the_line(tmp_path, text, message):
    path = tmp_path / "claims.yaml"
    path.write_text(text)
    with pytest.raises(ClaimsError) as caught:
        load_claims(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("huge", [10**400, -(10**400), 10**5000], ids=["1e400", "-1e400", "1e5000"])
@pytest.mark.parametrize(
    ("path", "shown_at"),
    [
        ((*K, "below"), "claims[0].checks[0].below: must be a finite number, not "),
        ((*K, "where", "l2"), "claims[0].checks[0].where.l2: must be a finite number, not "),
        ((*K, "statistic"), "claims[0].checks[0].statistic: unknown statistic "),
        ((*K, "label"), "claims[0].checks[0].label: must be text, not "),
    ],
)
def test_huge_whole_numbers_are_refused_in_one_line(path, shown_at, huge):
    with pytest.raises(ClaimsError) as caught:
        parse_claims(changed(path, huge))
    bits = huge.bit_length()
    assert str(caught.value).startswith(f"{shown_at}a whole number of {bits} bits")


def test_huge_key_is_refused_in_one_line():
    with pytest.raises(
        ClaimsError, match=r"claims\[0\]\.a whole number of 16610 bits: unknown key"
    ):
        parse_claims(changed((*C, 10**5000), 1))


def test_missing_and_unreadable_files(tmp_path):
    with pytest.raises(ClaimsError, match="there is no such file"):
        load_claims(tmp_path / "absent.yaml")
    with pytest.raises(ClaimsError, match="cannot be read"):
        load_claims(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"claims: \xff")
    with pytest.raises(ClaimsError, match="cannot be read"):
        load_claims(tmp_path / "latin.yaml")


def test_yaml_1_2_words_stay_text_and_exponents_are_numbers(tmp_path):
    path = tmp_path / "claims.yaml"
    path.write_text(
        "claims:\n"
        "  - id: a\n    paper: on\n    statement: off\n    figure: yes\n"
        "    checks:\n"
        "      - {statistic: lowest_mean, label: no, where: {schedule: none, width: 1e+4},\n"
        "         args: {metric: loss}, below: 1e-3}\n"
    )
    (claim,) = load_claims(path)
    assert (claim.paper, claim.statement, claim.figure) == ("on", "off", "yes")
    assert claim.checks[0].threshold.low == 1e-3
    assert claim.checks[0].where["width"].passes(10000)
    assert claim.checks[0].where["schedule"].passes("none")
