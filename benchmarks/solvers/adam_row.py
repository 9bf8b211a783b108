"""Adam on the networks of rows (PyTorch): the best of ten seeds, each for a share of a budget."""

from time import perf_counter

import numpy as np

from benchmarks.objective import Outcome
from hidden_convexity.equivalences import parts

# Neurons, heads or filters, more than an optimal network has here; of gated networks a gate each.
WIDTH = 30
SEEDS, STEPS, RATE = range(10), 2_000, 1e-2
# Seconds a seed, at most, so that all ten end within a limit of a minute.
SECONDS = 3.0
# Steps before the clock.
WARM_UP = 10


def prepare(problem, case):
    """A function of a generator to a network's trained arrays, and one of these to P."""
    import torch

    X, y = (torch.as_tensor(array) for array in (problem.X, problem.y))
    return ARCHITECTURES[case.row](problem, X, y)


def run(problem, case, state, setting):
    import torch

    draw, objective, build = state
    best, curve, start = (np.inf, None), [], perf_counter()
    for seed in SEEDS:
        began = perf_counter()
        weights = [
            torch.tensor(one, requires_grad=True) for one in draw(np.random.default_rng(seed))
        ]
        optimiser = torch.optim.Adam(weights, lr=RATE)
        for _ in range(setting or STEPS):
            optimiser.zero_grad()
            value = objective(*weights)
            value.backward()
            optimiser.step()
            if perf_counter() - began > SECONDS:
                break
        with torch.no_grad():
            value = float(objective(*weights))
        if value < best[0]:
            best = value, build(*(one.detach().numpy() for one in weights))
        curve.append((perf_counter() - start, best[0]))
    return best[1], curve


def outcome(problem, state, result, seconds):
    network, curve = result
    numbers = {"width": network.width, "seeds": len(SEEDS), "steps": STEPS}
    return Outcome(network=network, curve=curve, numbers=numbers)


def _squared(problem, y, outputs, price):
    return 0.5 * ((outputs - y) ** 2).sum() + problem.beta * price


def _quadratic(problem, X, y):
    d = X.shape[1]

    def objective(hidden, output):
        price = ((output.abs() ** 3).sum() + 2 * (hidden**2).sum(1).pow(1.5).sum()) / 3
        return _squared(problem, y, (X @ hidden.T) ** 2 @ output, price)

    def draw(rng):
        return rng.normal(size=(WIDTH, d)) / d**0.5, rng.normal(size=WIDTH)

    return draw, objective, problem.row.QuadraticNetwork


def _linear_attention(problem, X, y):
    d, gram = X.shape[2], X.mT @ X

    def objective(scores, values):
        heads = (scores[:, None] @ gram @ values[:, None]).sum(0)
        return _squared(problem, y, X @ heads, _half_squares(scores, values))

    def draw(rng):
        return rng.normal(size=(2, WIDTH, d, d)) / d

    return draw, objective, problem.row.AttentionNetwork


def _gated_relu_vector(problem, X, y):
    import torch

    c = y.shape[1]
    gates, patterns = (
        np.repeat(one, c, axis=k) for k, one in enumerate(parts.fixed_gates(problem.X))
    )
    patterns = torch.as_tensor(patterns)

    def objective(hidden, output):
        return _squared(
            problem, y, (patterns * (X @ hidden.T)) @ output, _half_squares(hidden, output)
        )

    def draw(rng):
        m, d = gates.shape
        return rng.normal(size=(m, d)) / d**0.5, rng.normal(size=(m, c)) / m**0.5

    def build(hidden, output):
        return problem.row.GatedVectorNetwork(gates, hidden, output)

    return draw, objective, build


def _circular_convolution(problem, X, y):
    import torch

    d = X.shape[1]

    def objective(filters, output):
        spectrum = (torch.fft.rfft(filters) * torch.fft.rfft(output)).sum(0)
        outputs = X @ torch.fft.irfft(spectrum, n=d)
        return _squared(problem, y, outputs, _half_squares(filters, output))

    def draw(rng):
        return rng.normal(size=(2, 3, d)) / d**0.5

    return draw, objective, problem.row.ConvolutionalNetwork


def _half_squares(*weights):
    return sum((one**2).sum() for one in weights) / 2


ARCHITECTURES = {
    "quadratic": _quadratic,
    "linear_attention": _linear_attention,
    "gated_relu_vector": _gated_relu_vector,
    "circular_convolution": _circular_convolution,
}
