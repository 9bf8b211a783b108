"""Adam on parallel networks of one variable, from several seeds (PyTorch)."""

import time

import numpy as np

from hidden_convexity.foundations.validation import positive_number, whole_number
from hidden_convexity.line.ramps import line_problem
from hidden_convexity.problem.parallel_network import ParallelNetwork
from hidden_convexity.solvers.solution import Solution, Step

_RECORDS = 100
# As in `descent`: added to the running size of a gradient, as a share of ||y|| ||x - mean(x)||, so
# that weights on their way to zero come to rest and two processors train the same network.
_EPSILON = 3e-3


def adam(x, y, beta, layers, branches, seeds, steps=5_000, learning_rate=0.01):
    """Train one parallel absolute value network per seed by full-batch Adam.

    Minimises the objective of `ParallelNetwork`, penalty (beta/L) sum |.|^L included. Data are
    scaled to mean 0 and standard deviation 1 inside, and the weights of the result scaled back.
    Weights start from N(0, 1), each first layer's bias such that the branch bends at a data point
    drawn at random, plus N(0, 1) noise, and the other biases at minus a uniform number of (0, 1),
    from ``numpy.random.default_rng(seed)``. The learning rate falls to zero along half a cosine.

    Parameters
    ----------
    x, y : (n,) array_like
        Inputs and targets, neither of them constant.
    beta : float
        Weight decay, > 0.
    layers, branches : int
        L >= 2 and m >= 1.
    seeds : sequence of int
    steps : int
        Adam steps, >= 1.
    learning_rate : float
        At the first step, > 0.

    Returns
    -------
    list of Solution
        One per seed, of bound 0: descent proves nothing.

    Raises
    ------
    ImportError
        If PyTorch is not installed.
    TypeError, ValueError
        For bad or constant data, no seed, or a number out of range.
    """
    problem = line_problem(x, y, beta)
    layers, branches = whole_number(layers, "layers", 2), whole_number(branches, "branches", 1)
    steps = whole_number(steps, "steps", 1)
    learning_rate = positive_number(learning_rate, "learning_rate")
    seeds = [whole_number(seed, "seeds", 0) for seed in seeds]
    if not seeds:
        raise ValueError("seeds must hold one integer per run, such as range(10), got none")
    x, centre, offset = problem.X[:, 0], np.mean(x), np.mean(y)
    spread, size = np.std(x), np.std(y)
    if spread == 0 or size == 0:
        raise ValueError("x and y must not be constant: there is nothing to train")
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            'adam() trains with PyTorch: pip install "hidden-convexity[torch]"'
        ) from error

    inputs, targets = torch.tensor((x - centre) / spread), torch.tensor(problem.y / size)
    decay = beta / (spread * size)
    start = _start(inputs.numpy(), layers, branches, seeds)
    w, b, a, c = parameters = [torch.tensor(part, requires_grad=True) for part in start]
    optimiser = torch.optim.Adam(parameters, lr=learning_rate, eps=_EPSILON * len(x))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=steps)

    def objectives():
        """Objective of each seed, in scaled units: w, b (seeds, m, L - 1), a (seeds, m)."""
        values = inputs.expand(len(seeds), branches, -1)
        for k in range(layers - 1):
            values = (w[..., k, None] * values + b[..., k, None]).abs()
        outputs = (a[..., None] * values).sum(dim=1) + c[:, None]
        loss = (outputs - targets).square().sum(dim=1) / 2
        powers = w.abs().pow(layers).sum(dim=(1, 2)) + a.abs().pow(layers).sum(dim=1)
        return loss + decay / layers * powers

    recorded = set(np.linspace(0, steps, min(steps, _RECORDS) + 1).astype(int).tolist())
    histories, began = [[] for _ in seeds], time.perf_counter()
    for step in range(steps + 1):
        heights = objectives()
        if step in recorded:
            seconds = time.perf_counter() - began
            for history, height in zip(histories, heights.tolist(), strict=True):
                history.append(Step(seconds, height * size**2, 0.0, branches))
        if step < steps:
            optimiser.zero_grad()
            heights.sum().backward()
            optimiser.step()
            schedule.step()

    # f = offset + size f'((x - centre) / spread), the factor size / spread shared by all layers.
    share = (size / spread) ** (1 / layers)
    trained = [part.detach().numpy() for part in parameters]
    solutions = []
    for weights, biases, amplitudes, constant, history in zip(*trained, histories, strict=True):
        biases = biases * spread * share ** np.arange(1, layers)
        biases[:, 0] -= share * weights[:, 0] * centre
        constant = constant * size + offset
        network = ParallelNetwork(share * weights, biases, share * amplitudes, constant)
        objective = network.objective(x, y, beta)
        solutions.append(Solution(network, objective, 0.0, "searched", history, "adam"))
    return solutions


def _start(x, layers, branches, seeds):
    """Weights and biases (seeds, m, L - 1), amplitudes (seeds, m), constants (seeds,)."""
    weights, biases, amplitudes = [], [], []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        w = rng.normal(size=(branches, layers - 1))
        b = -rng.uniform(size=(branches, layers - 1))
        b[:, 0] = -w[:, 0] * rng.choice(x, size=branches) + rng.normal(size=branches)
        weights.append(w)
        biases.append(b)
        amplitudes.append(rng.normal(size=branches) / branches)
    return np.array(weights), np.array(biases), np.array(amplitudes), np.zeros(len(seeds))
