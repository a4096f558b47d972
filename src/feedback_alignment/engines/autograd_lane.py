"""One lane of the reference engine: a network, its gradients and its metrics by autograd.

On path `layers` the feedback enters in the backward pass of each layer; on path `direct` each
hidden layer descends the product of its activations with what it hears, its inputs held fixed.
Gradients, error signals, kernels and the operator K are taken from autograd.
"""

from collections.abc import Sequence, Set
from dataclasses import replace

import numpy as np
import torch

from feedback_alignment.engines.lanes import intervene, null_feedback, start_lane
from feedback_alignment.metrics.kernels import KERNEL_METRICS, kernel_metrics
from feedback_alignment.metrics.stability import spectrum, stability_ratio
from feedback_alignment.networks.parameters import Network
from feedback_alignment.rules.bp import BP
from feedback_alignment.rules.rule import Rule
from feedback_alignment.streams import Streams
from feedback_alignment.training.batches import BatchOrder
from feedback_alignment.training.interventions import acts_at
from feedback_alignment.training.recording import Key
from feedback_alignment.training.setup import Setup
from feedback_alignment.training.stopping import CHECKED


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


class Lane:
    """One network.

    Args:
        setup: of the run.
        training: inputs (N, n_0) and targets (N, n_L).
        held_out: inputs and targets to judge the accuracy by, or None.
        streams: the run's random streams.
        replicate: index of the replicate.
    """

    def __init__(
        self,
        setup: Setup,
        training: tuple[np.ndarray, np.ndarray],
        held_out: tuple[np.ndarray, np.ndarray] | None,
        streams: Streams,
        replicate: int,
    ) -> None:
        self._setup, self._root, self._replicate = setup, streams, replicate
        self._settings = settings = setup.condition
        self._X, self._Y = map(self._tensor, training)
        self._held_out = held_out and tuple(map(self._tensor, held_out))
        self._sizes, self._rates = setup.sizes, setup.rates
        self._psi = setup.activation.tensor
        self._stage, self._streams = start_lane(setup, streams, replicate)
        self._step = 0
        self._take(intervene(setup, 0, self._stage, self._streams))
        self._order = None
        if settings.batch_size:
            self._order = BatchOrder(len(self._X), settings.batch_size, streams, [replicate])
        self._origin = self._last = self._hidden()
        self._squares = 0.0
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
        if any(acts_at(each, self._step) for each in self._setup.interventions):
            stage = replace(self._stage, network=self.network())
            self._take(intervene(self._setup, self._step, stage, self._streams))
        now = self._hidden()
        self._squares += float((now - self._last).square().sum())
        self._last = now
        self._draw()
        x, y = self._batch
        with torch.no_grad():
            errors = self._errors(self._outputs(x), y)
        return float(errors.norm()) * (len(self._X) / len(x)) ** 0.5

    def observe(self, wanted: Set[str]) -> dict[Key, float]:
        """Metrics, by their definitions: the wanted ones of all that the run records."""
        settings, rule, x, y = self._settings, self._stage.measured, self._X, self._Y
        outputs = self._outputs(x).detach()
        values: dict[Key, torch.Tensor | float] = {
            ("loss", ""): self._loss(outputs, y),
            ("error_norm", ""): self._errors(outputs, y).norm(),
            **self._weight_alignments(rule),
        }
        if wanted <= CHECKED:
            return {key: float(value) for key, value in values.items() if key[0] in wanted}
        m = settings.metric_samples or len(x)
        compared = {"": self._B}
        if settings.null_alignment:
            null = null_feedback(self._setup, rule, self._root, self._replicate)
            compared["null_"] = [self._tensor(B) for B in null]
        true = self._updates(BP, self._B, x[:m], y[:m])
        for prefix, B in compared.items():
            ours = self._updates(rule, B, x[:m], y[:m])
            values |= self._cosines(f"{prefix}gradient_alignment", true[:-1], ours[:-1])
            if not prefix:
                norms = {"bp_gradient_norm": true, "rule_gradient_norm": ours}
                values |= {(key, ""): torch.cat(update).norm() for key, update in norms.items()}
                values |= self._descent(true, true if self._stage.rule is BP else ours)
            if settings.spectrum:
                values |= self._spectrum(prefix, rule, B)
        signals = [self._signals(*each, x[:m], y[:m]) for each in ((BP, self._B), (rule, self._B))]
        values |= self._cosines("signal_alignment", *signals)
        if settings.sample_alignment:
            values["sample_signal_alignment", "output"] = self._sample_alignment(rule)
        if "beta_norm" in wanted:
            values |= self._sizes_of_weights()
        values["displacement", "hidden"] = (self._last - self._origin).norm()
        values["walk_displacement", "hidden"] = self._squares**0.5
        if wanted & KERNEL_METRICS:
            values |= self._kernels()
        if self._held_out is not None:
            x, y = self._held_out
            right = self._outputs(x).argmax(1) == y.argmax(1)
            values["accuracy", ""] = right.double().mean()
        return {key: float(value) for key, value in values.items() if key[0] in wanted}

    def network(self) -> Network:
        """The parameters, in double precision."""
        parts = self._W, self._c if self._settings.bias else [], self._B
        return Network(
            *(tuple(x.detach().numpy().astype(np.float64) for x in part) for part in parts)
        )

    def _hidden(self) -> torch.Tensor:
        """All weights and biases of the hidden layers, flat."""
        biases = self._c[:-1] if self._settings.bias else []
        return torch.cat([x.detach().flatten() for x in (*self._W[:-1], *biases)])

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
        if self._settings.loss_function == "cross_entropy":
            return torch.nn.functional.cross_entropy(outputs, y)
        squares = (outputs - y).square().sum(1)
        name = self._settings.loss_function
        return {
            "half_sum": 0.5 * squares.sum(),
            "half_mean": 0.5 * squares.mean(),
            "mse": squares.mean(),
        }[name]

    def _errors(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """e, of which the gradient of the loss in the outputs is a multiple."""
        leaf = outputs.detach().requires_grad_()
        with torch.enable_grad():
            return torch.autograd.grad(self._loss(leaf, y) / self._gain(len(y)), leaf)[0]

    def _gain(self, samples: int) -> float:
        factors = {"half_sum": samples, "mse": 2.0}
        return factors.get(self._settings.loss_function, 1.0) / samples

    def _graph(
        self, rule: Rule, B: list[torch.Tensor], x: torch.Tensor, sent: torch.Tensor, y
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """A scalar whose gradient is the rule's, and the pre-activations of hidden layers.

        Args:
            rule: learning rule.
            B: its feedback weights.
            x: inputs.
            sent: output errors to send back.
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
                return total + (H * sent).sum(), hidden
            hidden.append(H)
            x = self._psi(H)
            if rule.path == "direct":
                heard = rule.source(sent, y) @ rule.backward_weights(None, B[layer])
                total = total + (x * heard).sum()
        raise AssertionError("a network has an output layer")

    def _gradients(self, rule: Rule, B: list, x: torch.Tensor, y: torch.Tensor) -> tuple:
        """Gradients by a rule of the loss: those of weights, and those of biases."""
        if rule is BP:
            total = self._loss(self._outputs(x), y)
        else:
            total = self._graph(rule, B, x, self._errors(self._outputs(x), y), y)[0]
            total = total * self._gain(len(x))
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

    def _cosines(self, metric: str, true: list, ours: list) -> dict[Key, torch.Tensor]:
        pairs = zip(true, ours, strict=True)
        values = {(metric, str(i + 1)): _cosine(x, y) for i, (x, y) in enumerate(pairs)}
        return values | {(metric, "hidden"): _cosine(torch.cat(true), torch.cat(ours))}

    def _sample_alignment(self, rule: Rule) -> float:
        errors = self._errors(self._outputs(self._X).detach(), self._Y)
        m = self._settings.metric_samples or len(self._X)
        W, B = self._W[-1].detach(), self._B[-1]
        V = rule.backward_weights(None if rule.path == "direct" else W, B)
        sources = rule.source(errors, self._Y)
        pairs = (errors[:m] @ W).double(), (sources[:m] @ V).double()
        return float(torch.nn.functional.cosine_similarity(*pairs, eps=1e-300).mean())

    def _weight_alignments(self, rule: Rule) -> dict[Key, torch.Tensor]:
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
        return {**values, ("weight_alignment", "all"): _cosine(*whole)}

    def _descent(self, true: list, ours: list) -> dict[Key, torch.Tensor]:
        if not self._settings.descent:
            return {}
        falls = [self._settings.eta * (x @ y) for x, y in zip(true, ours, strict=True)]
        if self._stage.frozen:
            falls[:-1] = [0.0 * fall for fall in falls[:-1]]
        names = [*(str(i + 1) for i in range(len(falls) - 1)), "output"]
        shares = {("descent_share", n): f / sum(falls) for n, f in zip(names, falls, strict=True)}
        return shares | {("descent", n): fall for n, fall in zip(names, falls, strict=True)}

    def _spectrum(self, prefix: str, rule: Rule, B: list) -> dict[Key, float]:
        frozen = self._stage.frozen
        true, ours = self._jacobian(BP, B, frozen), self._jacobian(rule, B, frozen)
        operator = true @ ours.T * self._gain(len(self._X))
        found = spectrum(operator.double().numpy())
        values = {
            (f"{prefix}stability_ratio", ""): stability_ratio(found),
            (f"{prefix}K_min_real", ""): found.real.min(),
            (f"{prefix}K_max_real", ""): found.real.max(),
            (f"{prefix}K_max_imag", ""): np.abs(found.imag).max(),
        }
        if self._settings.eigenvalues and not prefix:
            moment = self._step in self._setup.moments
            for i, z in enumerate(found if moment else found * complex(np.nan, np.nan)):
                values |= {("K_real", str(i)): z.real, ("K_imag", str(i)): z.imag}
        return values

    def _sizes_of_weights(self) -> dict[Key, torch.Tensor]:
        H = self._X @ self._W[0].detach().T
        # The output weights are beta / sqrt(p), in mean field beta / p.
        scale = {"song": 1.0, "mean_field": H.shape[1] ** 0.5}[self._settings.parametrisation]
        return {
            ("beta_norm", "output"): scale * self._W[-1].detach().norm(),
            ("hidden_norm", "hidden"): H.norm() / H.numel() ** 0.5,
        }

    def _kernels(self) -> dict[Key, float]:
        """G is what the output layer adds to `J P^T`, H what the hidden layer adds."""
        true, ours = (self._jacobian(rule, self._B) for rule in (BP, self._stage.rule))
        hidden = self._W[0].numel()
        G = true[:, hidden:] @ ours[:, hidden:].T
        H = true[:, :hidden] @ ours[:, :hidden].T
        found = kernel_metrics(G.numpy(), H.numpy())
        return {(name, ""): value for name, value in found.items()}

    def _jacobian(self, rule: Rule, B: list, frozen: bool = False) -> torch.Tensor:
        """What each sample's unit error changes (N C, parameters that take steps)."""
        rows = []
        for n in range(len(self._X)):
            for i in range(self._sizes[-1]):
                sent = torch.zeros_like(self._Y)
                sent[n, i] = 1.0
                found = torch.autograd.grad(
                    self._graph(rule, B, self._X, sent, None)[0], self._W + self._c
                )
                layers = found[: len(self._W)], found[len(self._W) :]
                updates = self._flat(*layers)
                rows.append(torch.cat(updates[-1:] if frozen else updates))
        return torch.stack(rows)


def _cosine(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return x @ y / (x.norm() * y.norm())
