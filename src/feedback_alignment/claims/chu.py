"""The claims of Chu 2024 on alignment, fixed points and stability, and what we found beside them.

All are of networks with biases and squared error, in standard scaling, on digits; each statement
names the networks that it was tested on. Nearly always and nearly never are at least 0.8 and at
most 0.2 of the replicates, the sharpest shares that twenty replicates which agree can show (their
interval ends at 0.83 or 0.17). Every replicate is judged as in song.py, and differences at 0. All
other thresholds have their reason beside them.
"""

from feedback_alignment.claims.declaration import Part, Yielded, claim
from feedback_alignment.claims.nulls import (
    factor_at,
    gain_at,
    instead,
    mean_at,
    shuffled,
    tells_at,
    unrelated,
)
from feedback_alignment.claims.statistics import (
    auc,
    correlation,
    grand_mean,
    highest_mean,
    highest_ratio,
    lowest_gain,
    lowest_margin,
    lowest_mean,
    lowest_ratio,
    share_among,
    share_concordant,
    share_of_replicates,
)
from feedback_alignment.claims.threshold import above, at_most, between

CHU, GARG, OURS = "Chu 2024", "Garg 2022", "ours"


# Of a run of 30 epochs, 0.334 of the steps is the end of epoch 10: alignment is to be read
# during training, before the loss nears zero.
def _updates_align(part: Part) -> Yielded:
    """Checks that updates align under feedback that stays, and not under feedback that does not."""
    # Halfway between chance and the gradient itself.
    small = part.where(case="trained", rule="fa", init_scale=0.1).each("depth")
    yield (
        "share of replicates whose cosine of the hidden updates with the gradient is at least "
        "0.5 after a third of the steps (FA, weights a tenth of the feedback)",
        share_of_replicates(small.at(0.334, "gradient_alignment") >= 0.5, every=True) >= 0.9,
        instead(case="fresh_feedback"),
    )
    direct = part.where(case="trained", rule="dfa", init_scale=0.1).each("depth")
    yield (
        "share of replicates in which it is at least 0.5 (DFA, weights a tenth of the feedback)",
        share_of_replicates(direct.at(0.334, "gradient_alignment") >= 0.5, every=True) >= 0.9,
        instead(case="fresh_feedback", rule="fa"),
    )
    yield (
        "share of replicates in which it is at least 0.5 above that with feedback that took no "
        "part in the training (FA, weights a tenth of the feedback)",
        share_of_replicates(small.at(0.334, "alignment_over_null") >= 0.5, every=True) >= 0.9,
        instead(case="fresh_feedback"),
    )
    large = part.where(case="trained", rule="fa", init_scale=1)
    yield (
        "mean of that cosine above that with feedback that took no part, least over depths (FA, "
        "weights as large as the feedback)",
        lowest_mean(large.at(0.334, "alignment_over_null")) > 0,
        instead(case="fresh_feedback", init_scale=0.1),
    )
    # Chance gives unrelated feedback up to 0.1.
    redrawn = part.where(case="fresh_feedback")
    yield (
        "mean of that cosine where every step draws new feedback (FA, control)",
        grand_mean(redrawn.at(0.334, "gradient_alignment")).within(-0.1, 0.1),
        mean_at(0.1),
    )
    trained = part.where(case="trained", rule="fa")
    yield (
        "gain of the mean of that cosine from initial weights as large as the feedback to a tenth "
        "of them, least over depths (FA)",
        lowest_gain(trained.at(0.334, "gradient_alignment"), along="init_scale", start=1, end=0.1)
        > 0,
        shuffled("init_scale"),
    )


@claim(paper=CHU, figure="chu_alignment", data="digits")
def alignment(part: Part) -> Yielded:
    """During training, the updates of feedback alignment, from layer to layer or direct, align with
    the true gradient, under feedback of scale 1, ten times larger than weights at sigma 0.1 and as
    large as those at sigma 1 (digits, tanh, one to three hidden layers of 64, no decay).
    """
    yield from _updates_align(part)


@claim(paper=CHU, figure="chu_alignment", data="mnist")
def alignment_mnist(part: Part) -> Yielded:
    """On MNIST too, during training, the updates of feedback alignment, from layer to layer or
    direct, align with the true gradient, under feedback of scale 1, ten times larger than weights
    at sigma 0.1 and as large as those at sigma 1 (tanh, one to three hidden layers of 64, no
    decay).
    """
    yield from _updates_align(part)


# The mean of the square is that of a walk, whatever its steps, exactly where each step has mean
# zero given those before. At twice that, what steps have in common is as much as the steps.
@claim(paper=CHU, figure="chu_random_walk", data="digits")
def random_walk(part: Part) -> Yielded:
    """The updates of feedback alignment are a random walk in weight space: the hidden weights come
    no farther than unrelated steps of the same sizes would take them (tanh, one to three hidden
    layers of 64, sigma 0.1 and 1, minibatches, no decay).
    """
    redrawn = part.where(case="fresh_feedback")
    yield (
        "mean squared displacement of the hidden weights over that of a random walk of the same "
        "steps, at the end, where every step draws new feedback (FA, control)",
        grand_mean(redrawn.final("displacement_over_walk")).within(0.5, 2),
        mean_at(2),
    )
    trained = part.where(case="trained", rule=["fa", "dfa"]).each("rule")
    yield (
        "the same with feedback that stays, largest over initial scales and depths",
        highest_mean(trained.final("displacement_over_walk")) < 2,
        mean_at(2),
    )


@claim(paper=CHU, figure="chu_fixed_points", data="digits_in_order")
def fixed_points(part: Part) -> Yielded:
    """Where the residual can vanish, or a linear network is at least as wide as its outputs,
    feedback alignment comes to rest at fixed points, and there the true gradient vanishes too:
    they are extrema of the loss (first 15 or 150 digits, one hidden layer, no decay).
    """
    # A thousandth of the norm at the start, as of the error in song.convergence. Hidden units that
    # do not learn span too few directions for these samples.
    interpolating = part.where(case="interpolating")
    for metric, name, null in (
        ("rule_gradient_norm", "update", instead(case="fresh_feedback")),
        ("bp_gradient_norm", "true gradient", instead(case="frozen_hidden")),
    ):
        yield (
            f"share of replicates whose {name} falls a thousandfold (FA, tanh network of 13 units "
            "that interpolates 15 samples)",
            share_of_replicates(
                interpolating.final(metric) / interpolating.at("start", metric) <= 1e-3, every=True
            )
            >= 0.9,
            null,
        )
    # Three decades below what a network too narrow for its targets keeps. Most replicates, not
    # every one: feedback that is nearly singular takes longer.
    wide = part.where(case="wide")
    yield (
        "share of replicates in which update and true gradient both fall below 1e-5 (FA, linear "
        "network at least as wide as its 10 outputs, at its least squares)",
        share_of_replicates(
            (wide.final("rule_gradient_norm") < 1e-5) & (wide.final("bp_gradient_norm") < 1e-5)
        )
        > 0.5,
        instead(case="narrow"),
    )


# Garg and Vempala (arXiv 2111.08706) prove it of matrix factorisation.
@claim(paper=GARG, figure="chu_fixed_points", data="digits_in_order")
def not_extrema(part: Part) -> Yielded:
    """In a linear network narrower than its outputs the fixed points of feedback alignment are no
    extrema: the update is zero, the gradient is not, and backpropagation goes on from there (150
    digits, four hidden units for ten outputs, no decay).
    """
    # Six decades between the two.
    narrow = part.where(case="narrow")
    yield (
        "share of replicates whose update falls below 1e-8 while the true gradient stays above "
        "1e-2 (FA, linear network narrower than its 10 outputs)",
        share_of_replicates(
            (narrow.final("rule_gradient_norm") < 1e-8) & (narrow.final("bp_gradient_norm") > 1e-2)
        )
        > 0.5,
        instead(case="wide"),
    )
    # From a gradient below 1e-8 as well, 30 000 steps of 0.1 would take 3e-13 off the loss.
    switched = part.where(case="then_bp")
    yield (
        "ratio (geometric mean) of the loss that backpropagation reaches from there to the loss at "
        "the fixed point (same network)",
        highest_mean(
            switched.final("loss") / switched.at("intervention", "loss"), average="geometric"
        )
        < 0.99,
        factor_at(1),
    )


# r is the least real part of the spectrum of K_FA over the largest: below 0 the error grows along
# some direction. K has 150 rows and the networks 1 210 weights or more, so that no eigenvalue is
# zero for want of rank. A loss rises if it doubles: one that falls from the first step on gives 1.
@claim(paper=CHU, figure="chu_stability", data="digits_in_order")
def stability(part: Part) -> Yielded:
    """Which minima feedback alignment keeps is told by how its updates align with the gradient
    there, in the sense of the operator K_FA: it leaves those where an eigenvalue of K_FA has a
    negative real part, and these are the ones whose weights the feedback does not fit; where it
    has come to rest by itself there is none (tanh, 15 digits, one hidden layer of 16, 64 or 128,
    no decay).
    """
    # Runs whose r says nothing of their loss are concordant in about half; with the r of another
    # run of the same condition most still are, so that the next check is of pairs at one angle.
    cases = ["bp_tied", "bp_random", "bp_random_wide", "fa_own", "fa_fresh"]
    runs = part.where(case=cases)
    yield (
        "share of runs in which the loss doubles after a small perturbation if r < 0, and does "
        "not if r >= 0 (all angles of the feedback, and all minima)",
        share_concordant(
            runs.at("intervention", "stability_ratio") >= 0, runs.final("loss_rise") < 2
        )
        >= 0.8,
        unrelated(),
    )
    # Halfway between chance, which the r of another run at the same angle has, and certainty.
    angles = part.where(case="bp_tied")
    stays = angles.final("loss_rise") < 2
    yield (
        "how well r at the switch tells runs that stay from runs that leave, at one angle of the "
        "feedback (area under the curve over pairs at the same angle)",
        auc(angles.at("intervention", "stability_ratio"), tells=stays, within="tie_angle") >= 0.75,
        unrelated("tie_angle"),
    )
    left = part.where(case="bp_random")
    yield (
        "share of replicates with r < 0 (minimum of BP, random feedback)",
        share_of_replicates(left.at("intervention", "stability_ratio") < 0) >= 0.8,
        instead(case="bp_tied", tie_angle=0),
    )
    fresh = part.where(case="fa_fresh")
    yield (
        "share of replicates with r < 0 (minimum of FA, new random feedback)",
        share_of_replicates(fresh.at("intervention", "stability_ratio") < 0) >= 0.8,
        instead(case="bp_tied", tie_angle=0),
    )
    # At rest the error left is a tenth of what the perturbation causes, the loss a hundredth.
    own = part.where(case="fa_own")
    at_rest = own.at("before", "loss") / own.at("intervention", "loss") <= 0.01
    yield (
        "share with r >= 0 among the replicates that have come to rest (minimum of FA, its own "
        "feedback)",
        share_among(own.at("intervention", "stability_ratio") >= 0, given=at_rest, every=True)
        >= 0.9,
        instead(case="fa_fresh"),
    )
    # The nearest and the farthest third of the right angle; at 0 degrees FA is BP.
    near = part.where(case="bp_tied", tie_angle=between(1, 30)).each("tie_angle")
    yield (
        "share of replicates that stay at the minimum of BP with feedback at most 30 degrees "
        "from the weights (FA after a small perturbation)",
        share_of_replicates(near.final("loss_rise") < 2) > 0.5,
        instead(tie_angle=90),
    )
    far = part.where(case="bp_tied", tie_angle=above(60)).each("tie_angle")
    yield (
        "share of replicates that stay at the minimum of BP with feedback more than 60 degrees "
        "from the weights (FA after a small perturbation)",
        share_of_replicates(far.final("loss_rise") < 2) < 0.5,
        instead(tie_angle=0),
    )


@claim(paper=OURS, figure="chu_stability", data="digits_in_order")
def not_cosine(part: Part) -> Yielded:
    """The cosine of one update with the gradient is not the criterion of stability: among runs
    whose feedback is at the same angle to the weights, being better aligned tells less than halfway
    from chance to certainty that a run stays (tanh, 15 digits, one hidden layer of 16, no decay).
    """
    # Halfway between chance and a perfect criterion.
    angles = part.where(case="bp_tied")
    stays = angles.final("loss_rise") < 2
    yield (
        "how well the alignment of the hidden gradient at the switch tells runs that stay from "
        "runs that leave, at one angle of the feedback (area under the curve over pairs at the "
        "same angle)",
        auc(
            angles.at("intervention", "gradient_alignment"),
            tells=stays,
            within="tie_angle",
        )
        < 0.75,
        tells_at(0.75, stays),
    )


@claim(paper=OURS, figure="chu_after_switch", data="digits_in_order")
def not_criterion_on_path(part: Part) -> Yielded:
    """Alignment along the trajectory is not the criterion of stability: after it has left the
    minimum, feedback alignment takes the loss below where it left it without any (tanh, 15
    digits, one hidden layer of 16, no decay).
    """
    # The loss doubles at least, and then comes back to less than it was.
    left = part.where(case="bp_random")
    yield (
        "share of replicates whose loss rises twofold at least after the switch and ends below "
        "that at the switch (minimum of BP, then FA with random feedback)",
        share_of_replicates(
            (left.final("loss") / left.at("intervention", "loss") < 1)
            & (left.final("loss_rise") >= 2)
        )
        > 0.5,
        instead(case="bp_tied", tie_angle=0),
    )
    # On the way, a tenth of the steps after the switch: cosines mean nothing once the loss is
    # rounding.
    yield (
        "mean hidden gradient alignment on the way down (same runs)",
        grand_mean(left.at(0.4, "gradient_alignment")) < 0,
        mean_at(0),
    )


@claim(paper=OURS, figure="chu_stability", data="digits_in_order")
def wide_stability(part: Part) -> Yielded:
    """A network much wider than its number of samples stays at a minimum of backpropagation
    under random feedback, without alignment (tanh, 15 digits, one hidden layer of 128, against one
    of 16; no decay).
    """
    wide = part.where(case="bp_random_wide", width=128)
    yield (
        "share of replicates that stay at the minimum of BP after a small perturbation (FA with "
        "random feedback, width 128)",
        share_of_replicates(wide.final("loss_rise") < 2) >= 0.8,
        instead(case="bp_random", width=16),
    )
    yield (
        "share of replicates with r >= 0 (same runs)",
        share_of_replicates(wide.at("intervention", "stability_ratio") >= 0) >= 0.8,
        instead(case="bp_random", width=16),
    )
    # Chance gives unrelated feedback up to 0.1.
    yield (
        "mean hidden gradient alignment at the switch (same runs)",
        grand_mean(wide.at("intervention", "gradient_alignment")).within(-0.1, 0.1),
        mean_at(0.1),
    )
    narrow = part.where(case="bp_random", width=16)
    yield (
        "share of replicates that stay where the network is about as wide as its samples are "
        "many (width 16)",
        share_of_replicates(narrow.final("loss_rise") < 2) <= 0.2,
        instead(case="bp_random_wide", width=128),
    )


@claim(paper=CHU, figure="chu_alignment_performance", data="digits")
def not_sufficient(part: Part) -> Yielded:
    """A network can align well and perform poorly: under a strong decay of all weights it aligns
    better than without and is worse than one whose hidden layer does not learn (tanh, one hidden
    layer of 64, sigma 0.3).
    """
    # Halfway between chance and the gradient itself.
    decayed = part.where(case="trained", rule="fa", l2=1.4, decay_layers="all")
    yield (
        "mean final alignment of the hidden gradient (FA, decay 1.4 on all weights)",
        lowest_mean(decayed.final("gradient_alignment")) >= 0.5,
        instead(case="frozen_hidden"),
    )
    trained = part.where(case="trained", rule="fa")
    yield (
        "gain of the mean of that cosine from no decay to decay 1.4 on all weights (FA)",
        lowest_gain(trained.final("gradient_alignment"), along="l2", start=0, end=1.4) > 0,
        shuffled("l2"),
    )
    # Worse than hidden layers that do not learn at all, at the same decay and at none.
    # All are alike in these settings but in more than one of the others, so nothing pairs them.
    alike = part.where(rule="fa", depth=1, width=64, init_scale=0.3)
    frozen = alike.where(case="frozen_hidden", l2=[0, 1.4])
    decayed = alike.where(case="trained", l2=1.4, decay_layers="all")
    yield (
        "least mean final accuracy with frozen hidden layers (no decay, decay 1.4), minus that "
        "of FA (decay 1.4 on all weights)",
        lowest_margin(frozen.final("accuracy"), over=decayed.final("accuracy")) > 0,
        shuffled(),
    )
    # A tenth of the images, as many as one class has.
    yield (
        "loss of mean final accuracy from no decay to decay 1.4 on all weights (FA)",
        lowest_gain(trained.final("accuracy"), along="l2", start=1.4, end=0) >= 0.1,
        shuffled("l2"),
    )


@claim(paper=CHU, figure="chu_alignment_performance", data="digits")
def necessary(part: Part) -> Yielded:
    """Alignment is necessary for the performance that feedback alignment adds: with feedback that
    every step draws anew, so that nothing aligns, a network is worse than with feedback that stays,
    and as good as one whose hidden layer does not learn (tanh, one hidden layer of 64, sigma 0.3,
    no decay).
    """
    # Chance gives unrelated feedback up to 0.1.
    alike = part.where(rule="fa", depth=1, width=64, init_scale=0.3, l2=0)
    yield (
        "mean final alignment of the hidden gradient where every step draws new feedback (FA)",
        grand_mean(
            alike.where(case="fresh_feedback").final("gradient_alignment"),
        ).within(-0.1, 0.1),
        mean_at(0.1),
    )
    yield (
        "gain of mean final accuracy from feedback that every step draws anew to feedback that "
        "stays (FA)",
        lowest_gain(alike.final("accuracy"), along="case", start="fresh_feedback", end="trained")
        > 0,
        gain_at(0, "case", start="fresh_feedback", end="trained"),
    )
    # The standard error of one accuracy of 0.93 on 360 images.
    yield (
        "gain of mean final accuracy from a frozen hidden layer to feedback that every step draws "
        "anew",
        lowest_gain(
            alike.final("accuracy"), along="case", start="frozen_hidden", end="fresh_feedback"
        ).within(-0.013, 0.013),
        gain_at(0.013, "case", start="frozen_hidden", end="fresh_feedback"),
    )


@claim(paper=OURS, figure="chu_alignment_performance", data="digits")
def little_needed(part: Part) -> Yielded:
    """Feedback alignment needs little of it: from large initial weights networks of width 256
    align less than from small ones, and less than halfway, and are more accurate (tanh, one to
    three hidden layers, sigma 1 against 0.1, 30 epochs, no decay).
    """
    wide = part.where(case="search", rule="fa", l2=0, width=256)
    large = wide.where(init_scale=1)
    yield (
        "largest mean final alignment of the hidden gradient over depths (FA, sigma 1)",
        highest_mean(large.final("gradient_alignment")) < 0.5,
        mean_at(0.5),
    )
    yield (
        "loss of that mean from sigma 0.1 to 1, least over depths (FA)",
        lowest_gain(wide.final("gradient_alignment"), along="init_scale", start=1, end=0.1) > 0,
        shuffled("init_scale"),
    )
    yield (
        "gain of mean final accuracy from sigma 0.1 to 1, least over depths (FA)",
        lowest_gain(wide.final("accuracy"), along="init_scale", start=0.1, end=1) > 0,
        shuffled("init_scale"),
    )


@claim(paper=OURS, figure="chu_alignment_performance", data="digits")
def not_necessary(part: Part) -> Yielded:
    """A network can learn most of a task without any alignment, on random features (tanh, one
    hidden layer of 256 that does not learn, sigma 0.3, no decay).
    """
    # Halfway from guessing one of ten digits to no mistake.
    random = part.where(case="random_features")
    yield (
        "mean final accuracy (frozen hidden layer of width 256)",
        lowest_mean(random.final("accuracy")) >= 0.55,
        mean_at(0.55),
    )
    # Chance gives unrelated feedback up to 0.1.
    yield (
        "mean final alignment of the hidden gradient of these runs",
        grand_mean(random.final("gradient_alignment")).within(-0.1, 0.1),
        mean_at(0.1),
    )


@claim(paper=OURS, figure="chu_alignment_performance", data="digits")
def decay_costs(part: Part) -> Yielded:
    """It is the decay, not the alignment, that costs the accuracy: backpropagation, aligned by
    definition, is no better under the same decay of all weights (tanh, one hidden layer of 64,
    sigma 0.3).
    """
    decayed = part.where(case="trained", l2=1.4, decay_layers="all")
    yield (
        "final accuracy, FA minus BP (decay 1.4 on all weights)",
        lowest_gain(decayed.final("accuracy"), along="rule", start="bp", end="fa") > 0,
        shuffled("rule"),
    )


@claim(paper=OURS, figure="chu_alignment_performance", data="digits")
def correlate(part: Part) -> Yielded:
    """Over a grid of networks, none of them selected, alignment and accuracy correlate at each
    decay, under feedback from layer to layer or direct; over the decays below the strongest
    together, under feedback from layer to layer, they do the opposite, since decay raises the one
    and lowers the other (tanh, widths 16 to 256, one to three hidden layers, sigma 0.1 to 1, decay
    of all weights; direct: widths 16 and 64, two and three hidden layers).
    """
    grid = part.where(case="search", rule="fa")
    yield (
        "correlation of final hidden gradient alignment and accuracy within a replicate, over "
        "all initial scales, widths and depths at one decay (FA)",
        correlation(grid.each("l2").final("gradient_alignment"), grid.each("l2").final("accuracy"))
        > 0,
        shuffled(),
    )
    direct = part.where(case="search_direct", rule="dfa").each("l2")
    yield (
        "the same correlation at one decay (DFA)",
        correlation(direct.final("gradient_alignment"), direct.final("accuracy")) > 0,
        shuffled(),
    )
    milder = grid.where(l2=at_most(0.3))
    yield (
        "the same over all initial scales, widths, depths and decays up to 0.3 together (FA)",
        correlation(milder.final("gradient_alignment"), milder.final("accuracy")) < 0,
        shuffled(),
    )


@claim(paper=CHU, figure="chu_descent", data="digits")
def not_driver(part: Part) -> Yielded:
    """Alignment is not always what drives the descent: from large initial weights, under feedback
    as large, the loss falls without it, and falls as far if the hidden layers do not learn (tanh,
    three hidden layers of 64, sigma 1, feedback of scale 1, full batch, no decay).
    """
    # Chance gives unrelated feedback up to 0.1.
    large = part.where(case="trained", rule="fa", init_scale=1)
    yield (
        "mean alignment of the hidden gradient when the loss has made half of its fall (FA, "
        "large initial weights)",
        grand_mean(large.at("half_fall", "gradient_alignment")).within(-0.1, 0.1),
        mean_at(0.1),
    )
    # 0.9 leaves the hidden layers a tenth of the work.
    both = part.where(rule="fa", init_scale=1)
    yield (
        "fall of the loss with frozen hidden layers over the fall without (FA, large initial "
        "weights)",
        lowest_ratio(both.final("loss_fall"), along="case", start="trained", end="frozen_hidden")
        >= 0.9,
        instead(init_scale=0.1),
    )
    # The shares of the layers in the figure are shares of what happens.
    trained = part.where(case="trained", rule="fa").each("init_scale")
    yield (
        "first-order descent of all layers and steps over the fall of the loss (FA)",
        grand_mean(trained.final("descent_over_fall")).within(0.95, 1.05),
        mean_at(1.05),
    )


@claim(paper=OURS, figure="chu_descent", data="digits")
def driver_small_init(part: Part) -> Yielded:
    """From small initial weights, under feedback ten times larger, the descent needs the hidden
    layers: they align early, and without their learning the loss falls much less (tanh, three
    hidden layers of 64, sigma 0.1, feedback of scale 1, full batch, no decay).
    """
    # Twice what chance gives unrelated feedback.
    small = part.where(case="trained", rule="fa", init_scale=0.1)
    yield (
        "mean alignment of the hidden gradient when the loss has made half of its fall (FA, "
        "small initial weights)",
        lowest_mean(small.at("half_fall", "gradient_alignment")) >= 0.2,
        instead(init_scale=1),
    )
    # Without them more than half of the fall is lost.
    both = part.where(rule="fa", init_scale=0.1)
    yield (
        "fall of the loss with frozen hidden layers over the fall without (FA, small initial "
        "weights)",
        highest_ratio(both.final("loss_fall"), along="case", start="trained", end="frozen_hidden")
        <= 0.5,
        instead(init_scale=1),
    )
