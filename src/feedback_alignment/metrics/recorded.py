"""The metrics that runs record at their steps."""

from typing import TYPE_CHECKING

from feedback_alignment.data.sources import SYNTHETIC
from feedback_alignment.metrics.metric import (
    DEEP,
    KERNELS,
    LAW,
    SHALLOW,
    SONG,
    Metric,
    shallow,
    with_setting,
)

if TYPE_CHECKING:
    from feedback_alignment.conditions import Condition


def _null_spectrum(condition: "Condition") -> bool:
    return condition.null_alignment and condition.spectrum


_DESCENT = {
    "recorded": with_setting("descent"),
    "when": "`descent: true`",
    "layers": "`1`.. and `output`",
    "main_layer": None,
}
_WALK = {
    "recorded": with_setting("displacement"),
    "when": "`displacement: true`",
    "layers": "`hidden`",
    "main_layer": "hidden",
}
_SPECTRUM = {"recorded": with_setting("spectrum"), "when": "`spectrum: true`"}
_NULL_SPECTRUM = {
    "recorded": _null_spectrum,
    "when": "`spectrum: true` with `null_alignment: true`",
}
_EIGENVALUES = {
    "recorded": with_setting("eigenvalues"),
    "when": "`eigenvalues: true`",
    "layers": "index, from `0`",
    "main_layer": None,
}
_HIDDEN = f"`1`.. and `hidden`; with {SONG} `hidden`"

RECORDED = (
    Metric(
        "loss",
        "loss of the training set: `1/2 sum_i ||e_i||^2` (`half_sum`), its mean over samples "
        "(`half_mean`), twice that (`mse`), or the mean cross-entropy",
        "target units squared; nats",
    ),
    Metric("error_norm", "`sqrt(sum_i ||e_i||^2)`, `e_i` = `f - y` for squared errors, "
           "`softmax(f) - y` for cross-entropy", "target units"),
    Metric(
        "accuracy",
        "share of held-out samples whose largest output is that of their label",
        recorded=lambda condition: condition.data not in SYNTHETIC,
        when="labelled data",
    ),
    Metric(
        "weight_alignment",
        "`cos(W_l, B_l)` of the weights that the feedback stands for, Frobenius (Song 2021: "
        "`cos(beta, b)`); for DFA and DRTP of the product `W_L ... W_l`",
        "cosine",
        f"`2`.. , `output`, `all`; with {SONG} `output`",
        main_layer="output",
    ),
    Metric(
        "signal_alignment",
        "`cos(delta_BP, delta_rule)` of the error signals at the hidden units, over all samples "
        "(Lillicrap et al. 2016)",
        "cosine",
        _HIDDEN,
        main_layer="hidden",
    ),
    Metric(
        "sample_signal_alignment",
        "mean over samples of `cos(W_L^T e_i, B_L^T e_i)`, what BP and the rule send back from the "
        "output for one sample, 0 where its error is (the alignment of Song 2021's code on MNIST)",
        "cosine",
        "`output`",
        with_setting("sample_alignment"),
        "`sample_alignment: true`",
        main_layer="output",
    ),
    Metric(
        "gradient_alignment",
        "`cos(g_BP, g_rule)` of the hidden layers' updates (Lillicrap et al. 2016; Chu and Bacho "
        "2024); the output layer is left out, its update is the true gradient under every rule",
        "cosine",
        _HIDDEN,
        main_layer="hidden",
    ),
    Metric(
        "null_gradient_alignment",
        "the same with feedback weights that took no part in training; for uSF, whose feedback "
        "follows the weights, it is the alignment itself",
        "cosine",
        "`1`.. and `hidden`",
        with_setting("null_alignment"),
        "`null_alignment: true`",
        main_layer="hidden",
    ),
    Metric("beta_norm", "`||beta|| / sqrt(p)` of the output weights beta", layers="`output`",
           main_layer="output", **SHALLOW),
    Metric(
        "hidden_norm",
        "root mean square of the pre-activations, `||W X^T||_F / sqrt(p n)`",
        layers="`hidden`",
        main_layer="hidden",
        **SHALLOW,
    ),
    Metric("lambda_min_G", "least eigenvalue of the kernel G (Song 2021)", **KERNELS),
    Metric("H_spectral_norm", "largest absolute eigenvalue of the kernel H", **KERNELS),
    Metric("lambda_min_GH", "least eigenvalue of G + H", **KERNELS),
    Metric(
        "lambda_min_EG",
        "least eigenvalue of the expected G at initialisation; step 0 only",
        **KERNELS,
    ),
    Metric(
        "law_alignment",
        "`cos(beta, b)` that the law of wide linear networks predicts from X, y, p, eta and lambda "
        "alone: training with the expected Gram matrix diag(K, 1, 1) of the initial vectors "
        "([findings.md](../docs/findings.md))",
        "cosine",
        "`output`",
        main_layer="output",
        **LAW,
    ),
    Metric("law_loss", "the loss that it predicts", "target units squared", **LAW),
    Metric("bp_gradient_norm", "`||g_BP||` over all layers", "loss per weight", **DEEP),
    Metric(
        "rule_gradient_norm",
        "the same of the rule's update, `||g_FA||` (Chu and Bacho 2024: FA rests where it is "
        "zero); while BP trains, of the update that FA would make; frozen layers count too",
        "loss per weight",
        **DEEP,
    ),
    Metric(
        "descent",
        "first-order fall of the loss by one layer's step, `eta <g_BP, g>_l`, g the update of the "
        "rule that trains",
        "loss",
        **_DESCENT,
    ),
    Metric("descent_share", "its share of the sum over layers", **_DESCENT),
    Metric("displacement", "`||W(t) - W(0)||` of the weights and biases of all hidden layers",
           **_WALK),
    Metric(
        "walk_displacement",
        "root of the sum of `||dW||^2` over all steps, perturbations among them: how far a random "
        "walk of the same steps has come, in the root mean square",
        **_WALK,
    ),
    Metric(
        "stability_ratio",
        "`min Re / max Re` over the eigenvalues of `K_FA = J P^T / N`, J the Jacobian of the "
        "outputs of all N samples and P that of the rule's backward pass; "
        "`e^T K_FA e = N <g_BP, g_FA>`; of frozen hidden layers nothing counts (Chu and Bacho "
        "2024). Below zero, FA moves away from the fixed point (squared errors only)",
        **_SPECTRUM,
    ),
    Metric("K_min_real", "least real part of the eigenvalues of K_FA", **_SPECTRUM),
    Metric("K_max_real", "largest real part", **_SPECTRUM),
    Metric("K_max_imag", "largest imaginary part in absolute value", **_SPECTRUM),
    *(
        Metric(f"null_{name}", f"`{name}` with feedback of no part in training", **_NULL_SPECTRUM)
        for name in ("stability_ratio", "K_min_real", "K_max_real", "K_max_imag")
    ),
    Metric(
        "K_real",
        "real part of each eigenvalue, at the first and last step and around interventions",
        **_EIGENVALUES,
    ),
    Metric("K_imag", "its imaginary part", **_EIGENVALUES),
)  # fmt: skip


def recorded(condition: "Condition") -> frozenset[str]:
    """Names of the metrics that a condition's runs record, in whichever engine."""
    return frozenset(metric.name for metric in RECORDED if metric.recorded(condition))


def keeps(condition: "Condition", metric: str, layer: str) -> bool:
    """Whether a run records a recorded metric of a layer; see `shallow` for what it leaves out."""
    twice = {"weight_alignment": "all", "signal_alignment": "1", "gradient_alignment": "1"}
    return not (shallow(condition) and twice.get(metric) == layer)
