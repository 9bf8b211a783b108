"""Adam on the non-convex problem from several seeds: what training usually does (PyTorch)."""

import math
import time

import numpy as np

from hidden_convexity.foundations.validation import positive_number, whole_number
from hidden_convexity.problem.network import ReLUNetwork
from hidden_convexity.problem.pooling import pooled
from hidden_convexity.problem.training_problem import TrainingProblem
from hidden_convexity.solvers.solution import Solution, Step

_RECORDS = 100
# Adam divides a gradient by its running size plus epsilon. With PyTorch's 1e-8, weights on their
# way to zero jump to and fro at the full step size in directions that rounding decides, and two
# processors then train two different networks. At this share of ||y|| max_k ||X e_k||, the size of
# a gradient at the start, a start moved by 1e-13 was seen to move the end by less than 1e-8.
_EPSILON = 3e-3


def adam(problem, neurons, seeds, steps=5_000, learning_rate=0.02):
    """Train one network per seed by full-batch Adam.

    Minimises P(W, a) = F(sum_j a_j phi(X w_j)) + beta/2 sum_j (||w_j||^2 + a_j^2), F being the
    problem's loss, phi its activation, averaged over patches if there are any. The weight decay is
    part of the objective: AdamW's decoupled decay minimises something else. The learning rate falls
    to zero along half a cosine, so that the runs come to rest. Weights start as He et al. (2015)
    draw them, w_j ~ N(0, 2/d I) and a_j ~ N(0, 2/m), from ``numpy.random.default_rng(seed)``.

    All seeds are trained as one batch. Adam acts on each weight alone and the batch's loss is the
    sum over seeds, so each run is what it would be by itself.

    Parameters
    ----------
    problem : TrainingProblem
        With one output, y of shape (n,), and no skip or intercept.
    neurons : int
        Width m of each network, >= 1.
    seeds : sequence of int
    steps : int
        Adam steps, >= 1.
    learning_rate : float
        At the first step, > 0.

    Returns
    -------
    list of Solution
        One per seed. Descent bounds nothing, so ``lower_bound`` is 0, below which no loss falls;
        ``hidden_convexity.certify`` gives a bound worth having. ``history`` has up to 101 records
        at evenly spaced steps, whose seconds are those of the whole batch.

    Raises
    ------
    ImportError
        If PyTorch is not installed.
    TypeError, ValueError
        For several outputs, another activation, free terms, no seed, or a number out of range.
    """
    if not isinstance(problem, TrainingProblem):
        raise TypeError(f"problem must be a TrainingProblem, got {type(problem).__name__}")
    if problem.y.ndim != 1:
        raise ValueError(
            f"problem must have one output, y of shape (n,), got y of shape {problem.y.shape}"
        )
    if len(problem.free_terms):
        raise ValueError(f"adam takes problems without skip or intercept, got {problem!r}")
    neurons, steps = whole_number(neurons, "neurons", 1), whole_number(steps, "steps", 1)
    learning_rate = positive_number(learning_rate, "learning_rate")
    seeds = [whole_number(seed, "seeds", 0) for seed in seeds]
    if not seeds:
        raise ValueError("seeds must hold one integer per run, such as range(10), got none")
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            'adam() trains with PyTorch: pip install "hidden-convexity[torch]"'
        ) from error

    rows, averages = problem.pooling.rows, problem.pooling.averages
    X, y = torch.tensor(rows), torch.tensor(problem.y)
    A = None
    if averages is not None:
        entries = averages.tocoo()
        A = torch.sparse_coo_tensor(
            np.stack(entries.coords), entries.data, averages.shape, check_invariants=True
        )
    W, a = (torch.tensor(start, requires_grad=True) for start in _start(problem, neurons, seeds))
    sizes = np.linalg.norm(pooled(np.abs(problem.X)), axis=0)
    residuals = problem.loss_function.weights * problem.y
    gradient_size = np.linalg.norm(residuals) * sizes.max()
    optimiser = torch.optim.Adam([W, a], lr=learning_rate, eps=_EPSILON * gradient_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=steps)

    recorded = set(np.linspace(0, steps, min(steps, _RECORDS) + 1).astype(int).tolist())
    histories = [[] for _ in seeds]
    began = time.perf_counter()
    for step in range(steps + 1):
        objectives = _objectives(W, a, X, A, y, problem)
        if step in recorded:
            seconds = time.perf_counter() - began
            for history, objective in zip(histories, objectives.tolist(), strict=True):
                history.append(Step(seconds, objective, 0.0, neurons))
        if step < steps:
            optimiser.zero_grad()
            objectives.sum().backward()
            optimiser.step()
            schedule.step()

    networks = [
        ReLUNetwork(hidden, output, problem.slope)
        for hidden, output in zip(W.detach().numpy(), a.detach().numpy(), strict=True)
    ]
    return [
        Solution(
            network=network,
            objective=problem.objective(network),
            lower_bound=0.0,
            scope="searched",
            history=history,
            solver="adam",
        )
        for network, history in zip(networks, histories, strict=True)
    ]


def _start(problem, neurons, seeds):
    d = problem.X.shape[-1]
    hidden, output = [], []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        hidden.append(rng.normal(scale=math.sqrt(2 / d), size=(neurons, d)))
        output.append(rng.normal(scale=math.sqrt(2 / neurons), size=neurons))
    return np.array(hidden), np.array(output)


def _objectives(W, a, X, A, y, problem):
    """P(W, a) of each seed: W (seeds, m, d), a (seeds, m) -> (seeds,).

    The output weights come before the average over patches, which is then one of n numbers a seed.
    """
    import torch

    features, slope = W @ X.T, problem.slope
    leaky = torch.nn.functional.leaky_relu
    features = features.clamp(min=0) if slope == 0 else leaky(features, slope)
    outputs = (a.unsqueeze(1) @ features).squeeze(1)
    outputs = outputs if A is None else (A @ outputs.T).T
    if problem.loss == "squared":
        losses = (outputs - y).square() / 2
    elif problem.loss == "hinge":
        losses = (1 - y * outputs).clamp(min=0)
    else:
        losses = torch.nn.functional.softplus(-y * outputs)
    if problem.sample_weight is not None:
        losses = losses * torch.tensor(problem.sample_weight)
    loss = losses.sum(dim=1)
    decay = W.square().sum(dim=(1, 2)) + a.square().sum(dim=1)
    return loss + problem.beta / 2 * decay
