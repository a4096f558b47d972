"""Reference engine for MLPs: plain PyTorch autograd, one lane after another.

Slow and independent of the other engine: it is what that is tested against. On path `layers` the
feedback enters in the backward pass of each layer; on path `direct` each hidden layer descends the
product of its activations with what it hears, its inputs held fixed. Gradients, error signals and
the operator K are taken from autograd.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from feedback_alignment.activations import activation_named
from feedback_alignment.metrics.stability import spectrum, stability_ratio
from feedback_alignment.mlp import MLP
from feedback_alignment.rules import BP, Rule
from feedback_alignment.simulate.batches import BatchOrder
from feedback_alignment.simulate.interventions import acts_at
from feedback_alignment.simulate.lanes import intervene, null_feedback, start_lane
from feedback_alignment.simulate.mlp_settings import MLPSettings
from feedback_alignment.simulate.samples import Samples


class _Layer(torch.autograd.Function):
    """`W a + c`, whose error returns through other weights than W."""

    @staticmethod
    def forward(ctx, activations, weight, bias, backward_weights):
        ctx.save_for_backward(activations, backward_weights)
        return activations @ weight.T + bias

    @staticmethod
    def backward(ctx, signal):
        activations, backward_weights = ctx.saved_tensors
        below = None if backward_weights is None else signal @ backward_weights
        return below, signal.T @ activations, signal.sum(0), None


class ReferenceMLPEngine:
    """MLPs of any depth; arguments as for `MinibatchEngine`."""

    def __init__(
        self,
        settings: MLPSettings,
        training: Samples,
        held_out: Samples | None,
        seed: int,
        replicates: Sequence[int],
    ) -> None:
        self._lanes = [
            _Lane(
                settings,
                training.of_lane(lane),
                None if held_out is None else held_out.of_lane(lane),
                seed,
                replicate,
            )
            for lane, replicate in enumerate(replicates)
        ]

    def advance(self, count: int, decay: float) -> np.ndarray:
        """Take steps; see `driver.Engine`."""
        norms = np.empty((count, len(self._lanes)))
        for column, lane in enumerate(self._lanes):
            for row in range(count):
                norms[row, column] = lane.step(decay)
        return norms

    def observe(self, kernels: bool) -> dict[str | tuple[str, str], np.ndarray]:
        """Metrics of each lane; see `driver.Engine`."""
        rows = [lane.observe() for lane in self._lanes]
        return {metric: np.array([row[metric] for row in rows]) for metric in rows[0]}

    def keep(self, lanes: np.ndarray) -> None:
        """Drop the other lanes; see `driver.Engine`."""
        self._lanes = [lane for lane, kept in zip(self._lanes, lanes, strict=True) if kept]

    def networks(self) -> list[MLP]:
        """Parameters of each lane, in double precision."""
        return [lane.network() for lane in self._lanes]


class _Lane:
    """One network."""

    def __init__(
        self,
        settings: MLPSettings,
        training: tuple[np.ndarray, np.ndarray],
        held_out: tuple[np.ndarray, np.ndarray] | None,
        seed: int,
        replicate: int,
    ) -> None:
        self._settings, self._seed, self._replicate = settings, seed, replicate
        self._X, self._Y = map(self._tensor, training)
        self._held_out = held_out and tuple(map(self._tensor, held_out))
        self._sizes = settings.sizes(self._X.shape[1], self._Y.shape[1])
        self._rates = settings.rates(self._sizes)
        self._psi = activation_named(settings.activation).tensor
        self._interventions = settings.interventions()
        self._stage, self._streams = start_lane(settings, self._sizes, seed, replicate)
        self._step = 0
        self._take(intervene(self._interventions, 0, self._stage, self._streams))
        self._order = None
        if settings.batch_size:
            self._order = BatchOrder(len(self._X), settings.batch_size, seed, [replicate])
        self._draw()

    def step(self, decay: float) -> float:
        """One step of descent; gives the error norm after it, on the next batch."""
        weights, biases = self._gradients(self._stage.rule, self._B, *self._batch)
        settings, last = self._settings, len(self._W) - 1
        with torch.no_grad():
            for layer in range(last if self._stage.frozen else 0, last + 1):
                eta = settings.eta * self._rates[layer]
                decays = layer == last or settings.decay_layers == "all"
                shrink = settings.eta * decay if decays else 0.0
                learns = self._stage.rule.feedback_gradient
                if layer > 0 and learns is not None:
                    B = self._B[layer - 1]
                    B -= eta * learns(weights[layer], self._W[layer], B) + shrink * B
                self._W[layer] -= eta * weights[layer] + shrink * self._W[layer]
                if settings.bias:
                    self._c[layer] -= eta * biases[layer]
        self._step += 1
        if any(acts_at(each, self._step) for each in self._interventions):
            stage = replace(self._stage, network=self.network())
            self._take(intervene(self._interventions, self._step, stage, self._streams))
        self._draw()
        x, y = self._batch
        with torch.no_grad():
            errors = self._errors(self._outputs(x), y)
        return float(errors.norm()) * (len(self._X) / len(x)) ** 0.5

    def observe(self) -> dict[str | tuple[str, str], float]:
        """Metrics, by their definitions."""
        settings, rule, x, y = self._settings, self._stage.measured, self._X, self._Y
        outputs = self._outputs(x).detach()
        values = {"loss": self._loss(outputs, y), "error_norm": self._errors(outputs, y).norm()}
        m = settings.metric_samples or len(x)
        null = null_feedback(settings, self._sizes, rule, self._seed, self._replicate)
        compared = {"": self._B}
        if null:
            compared["null_"] = [self._tensor(B) for B in null]
        true = self._updates(BP, self._B, x[:m], y[:m])
        for prefix, B in compared.items():
            ours = self._updates(rule, B, x[:m], y[:m])
            values |= self._cosines(f"{prefix}gradient_alignment", true[:-1], ours[:-1])
            if not prefix:
                norms = {"bp_gradient_norm": true, "rule_gradient_norm": ours}
                values |= {key: torch.cat(update).norm() for key, update in norms.items()}
                values |= self._descent(true, true if self._stage.rule is BP else ours)
            if settings.spectrum:
                values |= self._spectrum(prefix, rule, B)
        signals = [self._signals(*each, x[:m], y[:m]) for each in ((BP, self._B), (rule, self._B))]
        values |= self._cosines("signal_alignment", *signals)
        values |= self._weight_alignments(rule)
        if self._held_out is not None:
            x, y = self._held_out
            right = self._outputs(x).argmax(1) == y.argmax(1)
            values["accuracy"] = right.double().mean()
        return {key: float(value) for key, value in values.items()}

    def network(self) -> MLP:
        """The parameters, in double precision."""
        parts = self._W, self._c if self._settings.bias else [], self._B
        return MLP(*(tuple(x.detach().numpy().astype(np.float64) for x in part) for part in parts))

    def _tensor(self, values: np.ndarray) -> torch.Tensor:
        return torch.tensor(values, dtype=getattr(torch, self._settings.dtype))

    def _take(self, stage) -> None:
        self._stage, network = stage, stage.network
        self._W = [self._tensor(W).requires_grad_() for W in network.weights]
        biases = network.biases or [np.zeros(len(W)) for W in network.weights]
        self._c = [self._tensor(c).requires_grad_() for c in biases]
        self._B = [self._tensor(B) for B in network.feedback]

    def _draw(self) -> None:
        if self._order is None:
            self._batch = self._X, self._Y
        else:
            index = torch.tensor(self._order.draw()[0])
            self._batch = self._X[index], self._Y[index]

    def _outputs(self, x: torch.Tensor) -> torch.Tensor:
        for W, c in zip(self._W[:-1], self._c[:-1], strict=True):
            x = self._psi(x @ W.T + c)
        return x @ self._W[-1].T + self._c[-1]

    def _loss(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if self._settings.loss == "cross_entropy":
            return torch.nn.functional.cross_entropy(outputs, y)
        return 0.5 * (outputs - y).square().sum() / len(y)

    def _errors(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Gradient of the loss summed over samples."""
        leaf = outputs.detach().requires_grad_()
        with torch.enable_grad():
            return torch.autograd.grad(self._loss(leaf, y) * len(y), leaf)[0]

    def _graph(
        self, rule: Rule, B: list[torch.Tensor], x: torch.Tensor, seeds: torch.Tensor, y
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """A scalar whose gradient is the rule's, and the pre-activations of hidden layers.

        Args:
            rule: learning rule.
            B: its feedback weights.
            x: inputs.
            seeds: output errors to send back.
            y: targets, None for rules that do not ask.
        """
        hidden, total = [], 0.0
        last = len(self._W) - 1
        for layer, (W, c) in enumerate(zip(self._W, self._c, strict=True)):
            if rule.path == "direct":
                H = x.detach() @ W.T + c
            else:
                V = rule.backward_weights(W.detach(), B[layer - 1]) if layer else None
                H = _Layer.apply(x, W, c, V)
            if layer == last:
                return total + (H * seeds).sum(), hidden
            hidden.append(H)
            x = self._psi(H)
            if rule.path == "direct":
                heard = rule.source(seeds, y) @ rule.backward_weights(None, B[layer])
                total = total + (x * heard).sum()
        raise AssertionError("a network has an output layer")

    def _gradients(self, rule: Rule, B: list, x: torch.Tensor, y: torch.Tensor) -> tuple:
        """Gradients by a rule of the mean loss: those of weights, and those of biases."""
        if rule is BP:
            total = self._loss(self._outputs(x), y)
        else:
            total = self._graph(rule, B, x, self._errors(self._outputs(x), y), y)[0] / len(x)
        found = torch.autograd.grad(total, self._W + self._c)
        return found[: len(self._W)], found[len(self._W) :]

    def _updates(self, rule: Rule, B: list, x: torch.Tensor, y) -> list[torch.Tensor]:
        """Flat update of each layer, in the parametrisation of the steps."""
        return self._flat(*self._gradients(rule, B, x, y))

    def _flat(self, weights: Sequence, biases: Sequence) -> list[torch.Tensor]:
        layers = []
        for W, c, rate in zip(weights, biases, self._rates, strict=True):
            parts = [W.flatten(), c] if self._settings.bias else [W.flatten()]
            layers.append(torch.cat(parts) * rate**0.5)
        return layers

    def _signals(self, rule: Rule, B: list, x: torch.Tensor, y) -> list[torch.Tensor]:
        total, hidden = self._graph(rule, B, x, self._errors(self._outputs(x), y), y)
        return [signal.flatten() for signal in torch.autograd.grad(total, hidden)]

    def _cosines(self, metric: str, true: list, ours: list) -> dict[tuple[str, str], torch.Tensor]:
        pairs = zip(true, ours, strict=True)
        values = {(metric, str(i + 1)): _cosine(x, y) for i, (x, y) in enumerate(pairs)}
        return values | {(metric, "hidden"): _cosine(torch.cat(true), torch.cat(ours))}

    def _weight_alignments(self, rule: Rule) -> dict[str | tuple[str, str], torch.Tensor]:
        pairs = []
        for layer, B in enumerate(self._B):
            W = self._W[layer + 1].detach()
            if rule.path == "direct":
                for above in self._W[layer + 2 :]:
                    W = above.detach() @ W
                pairs.append((W.flatten(), rule.backward_weights(None, B).flatten()))
            else:
                pairs.append((W.flatten(), rule.backward_weights(W, B).flatten()))
        names = [*(str(i + 2) for i in range(len(pairs) - 1)), "output"]
        values = {
            ("weight_alignment", name): _cosine(*pair)
            for name, pair in zip(names, pairs, strict=True)
        }
        whole = [torch.cat(parts) for parts in zip(*pairs, strict=True)]
        return {**values, "weight_alignment": _cosine(*whole)}

    def _descent(self, true: list, ours: list) -> dict[tuple[str, str], torch.Tensor]:
        if not self._settings.descent:
            return {}
        falls = [self._settings.eta * (x @ y) for x, y in zip(true, ours, strict=True)]
        if self._stage.frozen:
            falls[:-1] = [0.0 * fall for fall in falls[:-1]]
        names = [*(str(i + 1) for i in range(len(falls) - 1)), "output"]
        shares = {("descent_share", n): f / sum(falls) for n, f in zip(names, falls, strict=True)}
        return shares | {("descent", n): fall for n, fall in zip(names, falls, strict=True)}

    def _spectrum(self, prefix: str, rule: Rule, B: list) -> dict[str | tuple[str, str], float]:
        true, ours = self._jacobian(BP, B), self._jacobian(rule, B)
        found = spectrum((true @ ours.T / len(self._X)).double().numpy())
        values = {
            f"{prefix}stability_ratio": stability_ratio(found),
            f"{prefix}K_min_real": found.real.min(),
            f"{prefix}K_max_real": found.real.max(),
            f"{prefix}K_max_imag": np.abs(found.imag).max(),
        }
        if self._settings.eigenvalues and not prefix:
            moment = self._step in self._settings.moments()
            for i, z in enumerate(found if moment else found * complex(np.nan, np.nan)):
                values |= {("K_real", str(i)): z.real, ("K_imag", str(i)): z.imag}
        return values

    def _jacobian(self, rule: Rule, B: list) -> torch.Tensor:
        """What each sample's unit error changes (N C, parameters that take steps)."""
        rows = []
        for n in range(len(self._X)):
            for i in range(self._sizes[-1]):
                seeds = torch.zeros_like(self._Y)
                seeds[n, i] = 1.0
                found = torch.autograd.grad(
                    self._graph(rule, B, self._X, seeds, None)[0], self._W + self._c
                )
                layers = found[: len(self._W)], found[len(self._W) :]
                updates = self._flat(*layers)
                rows.append(torch.cat(updates[-1:] if self._stage.frozen else updates))
        return torch.stack(rows)


def _cosine(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return x @ y / (x.norm() * y.norm())
