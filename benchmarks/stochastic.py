"""Adam on batches of samples (PyTorch), as large networks are usually trained.

Networks are those of a `TrainingProblem`: plain or convolutional, of one output or several, of any
slope. Seeds are trained one after another, each with a clock of its own.
"""

import math
from time import perf_counter

import numpy as np

import hidden_convexity as hc
from benchmarks.objective import Outcome

SEEDS = range(10)
# The learning rate of the first step falls with the number of steps: of 0.003, 0.01, 0.03 and 0.1
# the best at d = 2, 3 and 4 were 0.1 for 500 steps, 0.03 for 2,000 and 0.003 for 12,000.
RATE_TIMES_STEPS, RATES = 40.0, (0.003, 0.1)
# Samples a step; fewer where each has many patches.
BATCH, PATCHES = 256, 25_600


def train(problem, width, seed, steps, records=1):
    """One network on its way: `records` pairs of seconds and a network, the last one at the end.

    Adam minimises P itself: the decay of `torch.optim.Adam` is added to the gradient, and the loss
    of a batch stands for that of all samples. Numbers are of single precision, PyTorch's default.
    Weights start as He et al. (2015) draw them. The learning rate falls to zero along half a
    cosine, so that runs come to rest.
    """
    import torch

    X, y = (torch.tensor(array, dtype=torch.float32) for array in (problem.X, problem.y))
    n, size, loss = len(X), batch_size(problem), _loss(problem.loss)
    rate = float(np.clip(RATE_TIMES_STEPS / steps, *RATES))
    weights = [torch.tensor(one, requires_grad=True) for one in _start(problem, width, seed)]
    optimiser = torch.optim.Adam(weights, lr=rate, weight_decay=problem.beta, fused=True)
    generator = torch.Generator().manual_seed(seed)
    recorded = set(np.linspace(0, steps, records + 1).astype(int)[1:].tolist())
    way, order, began = [], None, perf_counter()
    for step in range(steps):
        first = step * size % (n - n % size)
        if first == 0:
            order = torch.randperm(n, generator=generator)
        chosen = order[first : first + size]
        optimiser.param_groups[0]["lr"] = rate * (1 + math.cos(math.pi * step / steps)) / 2
        optimiser.zero_grad()
        outputs = _outputs(X[chosen], *weights, problem.slope)
        (loss(outputs, y[chosen]) * (n / size)).backward()
        optimiser.step()
        if step + 1 in recorded:
            arrays = [one.detach().double().numpy() for one in weights]
            way.append((perf_counter() - began, hc.ReLUNetwork(*arrays, problem.slope)))
    return way


def outcome(problem, ways, numbers):
    """The best network of several seeds; its curve has one line a record, a column a seed."""
    objectives = np.array([[problem.objective(network) for _, network in way] for way in ways])
    seconds = np.array([[seconds for seconds, _ in way] for way in ways]).mean(axis=0)
    best = ways[objectives[:, -1].argmin()]
    return Outcome(
        network=best[-1][1],
        curve=np.column_stack([seconds, objectives.T]).tolist(),
        numbers={"seeds": len(ways), **numbers},
    )


def batch_size(problem):
    """Samples a step."""
    patches = 1 if problem.X.ndim == 2 else problem.X.shape[1]
    return min(len(problem.X), BATCH, max(PATCHES // patches, 1))


def _start(problem, width, seed):
    rng, d, outputs = np.random.default_rng(seed), problem.X.shape[-1], problem.y.shape[1:]
    draws = (
        rng.normal(scale=math.sqrt(2 / d), size=(width, d)),
        rng.normal(scale=math.sqrt(2 / width), size=(width, *outputs)),
    )
    return [one.astype(np.float32) for one in draws]


def _outputs(X, W, a, slope):
    """Outputs (B,) or (B, c) of X (B, d), or (B, K, d) whose activations are averaged."""
    import torch

    products = X @ W.T
    features = torch.nn.functional.leaky_relu(products, slope) if slope else torch.relu(products)
    return (features if X.ndim == 2 else features.mean(dim=1)) @ a


def _loss(name):
    import torch

    functional = torch.nn.functional
    return {
        "squared": lambda f, y: functional.mse_loss(f, y, reduction="sum") / 2,
        "logistic": lambda f, y: functional.softplus(-y * f).sum(),
        "hinge": lambda f, y: functional.relu(1 - y * f).sum(),
        "softmax": lambda f, y: (torch.logsumexp(f, dim=1) - (y * f).sum(dim=1)).sum(),
    }[name]
