"""What Song 2021 claims of images, as checks that a claim on any images yields."""

from feedback_alignment.claims.declaration import Part, Yielded
from feedback_alignment.claims.nulls import mean_at, shuffled
from feedback_alignment.claims.statistics import grand_mean, lowest_gain, rank_correlation


def image_checks(part: Part) -> Yielded:
    """Checks that a small decay helps, that alignment rises with it, and is small without.

    Args:
        part: the runs on one set of images; those of FA have two lambda > 0 at least.
    """
    fa = part.where(rule="fa")
    yield (
        "final accuracy on held-out images, lambda = 0.1 minus 0 (FA)",
        lowest_gain(fa.final("accuracy"), along="l2", start=0, end=0.1) > 0,
        shuffled("l2"),
    )
    # Three standard deviations of the cosine of unrelated vectors of length 1000.
    yield (
        "mean final alignment sample by sample (FA, lambda = 0)",
        grand_mean(fa.where(l2=0).final("sample_signal_alignment")).within(-0.1, 0.1),
        mean_at(0.1),
    )
    yield (
        "smallest gain of the mean final alignment sample by sample over that at lambda = 0, over "
        "all lambda > 0 (FA)",
        lowest_gain(fa.final("sample_signal_alignment"), along="l2", start=0) >= 0.1,
        shuffled("l2"),
    )
    # 0.5 is what one exchange of neighbours leaves of three lambdas in order.
    yield (
        "rank correlation of the final alignment sample by sample with lambda within a replicate "
        "(FA)",
        rank_correlation(fa.final("sample_signal_alignment"), along="l2") > 0.5,
        shuffled("l2"),
    )
